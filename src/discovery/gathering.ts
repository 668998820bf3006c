// Members that are alive but not back yet: as long as there are some, nobody can say that a service is not there.

import { nodeClock } from "../node/node-clock.ts";
import { isAlive } from "../node/process-state.ts";

export interface MemberRef {
  /** Its instanceId. */
  readonly id: string;
  readonly pid: number;
}

const LOOK_AGAIN_MS = 10;

export class Gathering {
  #awaited = new Map<string, { readonly pid: number; readonly until: number }>();

  /** Waits for these, but not longer than `forMs`, and not for processes that have ended. */
  expect(members: readonly MemberRef[], forMs: number): void {
    const until = nodeClock.now() + forMs;
    for (const { id, pid } of members) this.#awaited.set(id, { pid, until });
  }

  arrived(id: string): void {
    this.#awaited.delete(id);
  }

  get isSettled(): boolean {
    for (const [id, { pid, until }] of this.#awaited) {
      if (nodeClock.now() < until && isAlive(pid)) return false;
      this.#awaited.delete(id);
    }
    return true;
  }

  awaited(): MemberRef[] {
    return [...this.#awaited].map(([id, { pid }]) => ({ id, pid }));
  }

  /** Resolves when everybody is back or given up. */
  async settled(): Promise<void> {
    while (!this.isSettled) {
      await new Promise<void>((resolve) => nodeClock.setTimer(resolve, LOOK_AGAIN_MS));
    }
  }

  close(): void {
    this.#awaited.clear();
  }
}
