// One coarse timer for many deadlines: a timer per call costs more than the rest of the call's bookkeeping.

import type { Clock, Timer } from "./clock.ts";

/** Deadlines nearer together than this expire together, at most this late. */
const GRAIN_MS = 10;
/** How often to look again while a debugger holds the process. */
const PAUSED_RECHECK_MS = 1_000;

/** The part of a link that a sweep needs. */
export interface SweepTime {
  readonly clock: Clock;
  /** Nothing expires meanwhile. */
  readonly isPaused: boolean;
}

export class Sweep {
  #time: SweepTime;
  #expire: (now: number) => number;
  #timer: Timer = undefined;
  #at = Infinity;

  /** `expire` settles what is due and returns the earliest deadline left, or Infinity. */
  constructor(time: SweepTime, expire: (now: number) => number) {
    this.#time = time;
    this.#expire = expire;
  }

  /** Makes sure that a sweep happens at `deadline` or soon after. */
  watch(deadline: number): void {
    if (deadline < this.#at) this.#arm(deadline);
  }

  stop(): void {
    this.#time.clock.clearTimer(this.#timer);
    this.#at = Infinity;
  }

  #arm(deadline: number): void {
    this.#time.clock.clearTimer(this.#timer);
    this.#at = deadline;
    this.#timer = this.#time.clock.setTimer(
      () => this.#sweep(),
      Math.ceil(deadline - this.#time.clock.now()),
    );
  }

  #sweep(): void {
    this.#at = Infinity;
    const now = this.#time.clock.now();
    const next = this.#time.isPaused ? now + PAUSED_RECHECK_MS : this.#expire(now);
    if (next !== Infinity) this.watch(Math.max(next, now + GRAIN_MS));
  }
}
