// One coarse timer for many deadlines: a timer per call costs more than the rest of the call's bookkeeping.

import type { Clock, Timer } from "./clock.ts";

/** Deadlines nearer together than this expire together, at most this late. */
const GRAIN_MS = 10;
/** How often to look again while a debugger holds the process. */
const PAUSED_RECHECK_MS = 1_000;

export class Sweep {
  #clock: Clock;
  #expire: (now: number) => number;
  #isPaused: () => boolean;
  #timer: Timer = undefined;
  #at = Infinity;

  /** `expire` settles what is due and returns the earliest deadline left, or Infinity. */
  constructor(clock: Clock, isPaused: () => boolean, expire: (now: number) => number) {
    this.#clock = clock;
    this.#isPaused = isPaused;
    this.#expire = expire;
  }

  /** Makes sure that a sweep happens at `deadline` or soon after. */
  watch(deadline: number): void {
    if (deadline < this.#at) this.#arm(deadline);
  }

  stop(): void {
    this.#clock.clearTimer(this.#timer);
    this.#at = Infinity;
  }

  #arm(deadline: number): void {
    this.#clock.clearTimer(this.#timer);
    this.#at = deadline;
    this.#timer = this.#clock.setTimer(
      () => this.#sweep(),
      Math.ceil(deadline - this.#clock.now()),
    );
  }

  #sweep(): void {
    this.#at = Infinity;
    const now = this.#clock.now();
    const next = this.#isPaused() ? now + PAUSED_RECHECK_MS : this.#expire(now);
    if (next !== Infinity) this.watch(Math.max(next, now + GRAIN_MS));
  }
}
