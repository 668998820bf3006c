// Answers to calls with an idempotency key, remembered so that a call sent twice runs once.

import type { Limits } from "../limits.ts";
import type { Clock } from "./clock.ts";

interface Remembered {
  readonly answer: Promise<unknown>;
  readonly forgetAt: number;
}

export class Answers {
  // In order of insertion, so the oldest are always first.
  #byKey = new Map<string, Remembered>();
  #limits: Limits;
  #clock: Clock;

  constructor(limits: Limits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The answer given under this key before, or the one `run` now makes. Failures are remembered like results. */
  once(key: string, run: () => unknown): Promise<unknown> {
    this.#forget();
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.answer;
    const answer = new Promise((resolve) => resolve(run()));
    answer.catch(() => {});
    this.#byKey.set(key, { answer, forgetAt: this.#clock.now() + this.#limits.idempotencyKeyMs });
    return answer;
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [key, { forgetAt }] of this.#byKey) {
      if (forgetAt > now && this.#byKey.size < this.#limits.maxIdempotencyKeys) return;
      this.#byKey.delete(key);
    }
  }
}
