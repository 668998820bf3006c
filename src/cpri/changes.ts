// Waiting for something to become true that can only do so when something changes.

import { nodeClock } from "../node/node-clock.ts";

export class Changes {
  #waiting = new Set<() => void>();

  /** Whoever waits looks again. */
  happened(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Resolves to whether it became true in time. */
  async until(isTrue: () => boolean, waitMs: number): Promise<boolean> {
    const dueAt = nodeClock.now() + waitMs;
    while (!isTrue()) {
      const leftMs = dueAt - nodeClock.now();
      if (leftMs <= 0) return false;
      await this.#next(leftMs);
    }
    return true;
  }

  #next(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        nodeClock.clearTimer(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = nodeClock.setTimer(wake, waitMs);
      this.#waiting.add(wake);
    });
  }
}
