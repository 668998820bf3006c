// Whether a worker is ready: it said so, or wrote a line that says so.

import type { Timer } from "../channel/clock.ts";
import { nodeClock } from "../node/node-clock.ts";

export type ReadinessOutcome = "ready" | "ended" | "late";

export class Readiness {
  /** Whether it has connected at any time. */
  hasConnected = false;
  #pattern: RegExp | undefined;
  #promise: Promise<void>;
  #resolve!: () => void;

  constructor(pattern: RegExp | undefined) {
    // Without g and y: these make a pattern remember where it was.
    this.#pattern = pattern && new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ""));
    this.#promise = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Its set-up is done. */
  reported(): void {
    this.hasConnected = true;
    if (this.#pattern === undefined) this.#resolve();
  }

  /** It wrote a line. */
  wrote(text: string): void {
    if (this.#pattern?.test(text) === true) this.#resolve();
  }

  /** What comes first: it is ready, it ended, or the time is up. */
  within(timeoutMs: number, exited: Promise<unknown>): Promise<ReadinessOutcome> {
    return new Promise((resolve) => {
      let timer: Timer;
      const settle = (outcome: ReadinessOutcome): void => {
        nodeClock.clearTimer(timer);
        resolve(outcome);
      };
      const wait = (): void => {
        timer = nodeClock.setTimer(() => {
          // Whoever steps through the set-up with a debugger takes as long as it takes.
          if (nodeClock.isPaused()) wait();
          else settle("late");
        }, timeoutMs);
      };
      wait();
      void this.#promise.then(() => settle("ready"));
      void exited.then(() => settle("ended"));
    });
  }

  /** What it has not done. */
  describe(): string {
    if (this.#pattern !== undefined)
      return `no line of its output matched ${String(this.#pattern)}`;
    return this.hasConnected
      ? "it has connected, but the function given to runWorker() has not ended"
      : "it has not connected; its script has to call runWorker(), or start() needs a `ready` pattern";
  }
}
