// Matches answers to questions: every question that was asked here settles exactly once.
// Knows ids, deadlines and abort signals; knows nothing of frames or sockets.

import type { CrosswireError } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import type { CallId } from "../wire/frame.ts";
import { onAbort, type Signal } from "./abort.ts";
import { Sweep, type SweepTime } from "./sweep.ts";

export interface Waiter {
  readonly definition: Definition;
  readonly timeoutMs: number;
  readonly dueAt: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason: unknown) => void;
  /** Set when the frame is posted: tells whether it left before the connection broke. */
  ticket: number;
  /** Undoes the listener on the caller's signal. */
  release: (() => void) | undefined;
}

export class Pending {
  #waiting = new Map<CallId, Waiter>();
  #onTimeout: (id: CallId, waiter: Waiter) => void;
  #sweep: Sweep;

  constructor(time: SweepTime, onTimeout: (id: CallId, waiter: Waiter) => void) {
    this.#onTimeout = onTimeout;
    this.#sweep = new Sweep(time, (now) => this.#expire(now));
  }

  get size(): number {
    return this.#waiting.size;
  }

  add(id: CallId, waiter: Waiter): void {
    this.#waiting.set(id, waiter);
    this.#sweep.watch(waiter.dueAt);
  }

  /** `aborted` runs when the signal fires while the question is still open. */
  addSignal(id: CallId, waiter: Waiter, signal: Signal, aborted: () => void): void {
    waiter.release = onAbort(signal, () => {
      if (this.take(id) !== undefined) aborted();
    });
  }

  /** Removes and returns the waiter: whoever took it settles it, and nobody else can. */
  take(id: CallId): Waiter | undefined {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return undefined;
    this.#waiting.delete(id);
    waiter.release?.();
    return waiter;
  }

  /** Every waiter is rejected with the error made for it. Called when the channel ends. */
  rejectAll(reasonFor: (waiter: Waiter, id: CallId) => CrosswireError): void {
    this.#sweep.stop();
    for (const id of [...this.#waiting.keys()]) {
      const waiter = this.take(id);
      waiter?.reject(reasonFor(waiter, id));
    }
  }

  #expire(now: number): number {
    let next = Infinity;
    for (const [id, waiter] of this.#waiting) {
      if (waiter.dueAt <= now) {
        this.take(id);
        this.#onTimeout(id, waiter);
      } else if (waiter.dueAt < next) {
        next = waiter.dueAt;
      }
    }
    return next;
  }
}
