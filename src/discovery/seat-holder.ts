// The seat that a member has at the moment, and those who wait for the next one.

import { nodeClock } from "../node/node-clock.ts";
import { CrosswireError } from "../errors.ts";
import type { Seat } from "./seat.ts";

export class SeatHolder {
  #seat: Seat | undefined;
  #trouble: CrosswireError | undefined;
  #waiters = new Set<() => void>();
  #maxWaiters: number;

  constructor(maxWaiters: number) {
    this.#maxWaiters = maxWaiters;
  }

  get seat(): Seat | undefined {
    return this.#seat;
  }

  /** Why there is no seat, where that is more than a change of leaders. */
  get trouble(): CrosswireError | undefined {
    return this.#trouble;
  }

  /** Whether somebody waits for a seat. */
  get isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  take(seat: Seat): void {
    this.#seat = seat;
    this.#trouble = undefined;
    this.#wake();
  }

  lose(seat: Seat): void {
    if (this.#seat === seat) this.#seat = undefined;
  }

  /** Those who wait are told at once: what is in the way will not go by itself. */
  fail(trouble: CrosswireError): void {
    this.#trouble = trouble;
    this.#wake();
  }

  /** The seat as soon as there is one. Rejects with what is in the way, with XW_TIMEOUT, or with XW_OVERLOADED. */
  async whenSeated(what: string, dueAt: number): Promise<Seat> {
    while (this.#seat === undefined) {
      if (this.#trouble !== undefined) throw this.#blocked(what, this.#trouble);
      if (nodeClock.now() >= dueAt) throw leaderless(what);
      if (this.#waiters.size >= this.#maxWaiters) throw tooMany(what, this.#maxWaiters);
      await this.#change(dueAt);
    }
    return this.#seat;
  }

  #change(dueAt: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        nodeClock.clearTimer(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = nodeClock.setTimer(wake, Math.max(0, dueAt - nodeClock.now()));
      this.#waiters.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** A new error for each: its stack tells who asked. */
  #blocked(what: string, { code, message, detail }: CrosswireError): CrosswireError {
    return new CrosswireError(code, `${what} was not possible. ${message}`, {
      detail,
      cause: this.#trouble,
    });
  }
}

function leaderless(what: string): CrosswireError {
  const text = `${what} was not possible: no leader was found in time.`;
  return new CrosswireError("XW_TIMEOUT", text);
}

function tooMany(what: string, max: number): CrosswireError {
  const text = `${what} was not possible: limits.maxPendingCalls (${max}) calls wait for a leader already.`;
  return new CrosswireError("XW_OVERLOADED", text);
}
