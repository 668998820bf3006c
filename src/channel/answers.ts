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

  /**
   * The answer given under this key before, or the one `run` now makes. Failures are remembered like results,
   * unless the caller gave up: then the failure says nothing about the call.
   */
  once(key: string, run: () => unknown, isGivenUp: () => boolean): Promise<unknown> {
    this.#forget();
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.answer;
    const answer = new Promise((resolve) => resolve(run()));
    const remembered = { answer, forgetAt: this.#clock.now() + this.#limits.idempotencyKeyMs };
    this.#byKey.set(key, remembered);
    answer.catch(() => {
      if (isGivenUp() && this.#byKey.get(key) === remembered) this.#byKey.delete(key);
    });
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
