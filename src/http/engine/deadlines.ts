// One coarse timer for every deadline of an engine: a timer per request costs more than the request's own bookkeeping.

import type { CrosswireError } from "../../errors.ts";
import { nodeClock } from "../../node/node-clock.ts";

/** Captured at import, so that a test's fake timers do not stop the proxy. */
const { setInterval, clearInterval } = globalThis;

const COARSEST_MS = 1_000;
const FINEST_MS = 10;
/** A deadline is noticed after at most this part of itself more. */
const GRAINS = 8;

/** Something that may take too long. */
export interface Timed {
  /** What it is late with at `now`. */
  overdue(now: number): CrosswireError | undefined;
  cancel(failure: CrosswireError): void;
}

export class Deadlines {
  #underWay: () => Iterable<Timed>;
  #timer: NodeJS.Timeout;
  #onTick: (now: number) => void;

  /** `shortestMs` is the shortest of the time limits, `underWay` lists what they are for; `onTick` is for what else wants a look now and then. */
  constructor(shortestMs: number, underWay: () => Iterable<Timed>, onTick: (now: number) => void) {
    this.#underWay = underWay;
    this.#onTick = onTick;
    const grain = Math.min(COARSEST_MS, Math.max(FINEST_MS, shortestMs / GRAINS));
    this.#timer = setInterval(() => this.#tick(), grain);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    // While a debugger holds the process, nobody is late.
    if (nodeClock.isPaused()) return;
    const now = nodeClock.now();
    for (const timed of this.#underWay()) {
      const failure = timed.overdue(now);
      if (failure !== undefined) timed.cancel(failure);
    }
    this.#onTick(now);
  }
}
