// The calls of the other side that are being worked on here: their deadlines, and how they are cancelled.

import type { CrosswireError } from "../errors.ts";
import type { CallId } from "../wire/frame.ts";
import { timeIsUp } from "./call-context.ts";
import { Sweep, type SweepTime } from "./sweep.ts";

/** One call in progress: the context of a request, or a stream with its two directions. */
export interface Served {
  readonly path: string;
  /** Monotonic; Infinity without a deadline. */
  readonly dueAt: number;
  cancel(reason: CrosswireError): void;
  /** Goes on when the connection is lost. */
  readonly outlivesConnection?: boolean;
}

export class Serving {
  #calls = new Map<CallId, Served>();
  #sweep: Sweep;
  #onCancelled: (id: CallId, served: Served, reason: CrosswireError) => void;

  /** `onCancelled` hears of each call that ends without an answer. */
  constructor(
    time: SweepTime,
    onCancelled: (id: CallId, served: Served, reason: CrosswireError) => void,
  ) {
    this.#onCancelled = onCancelled;
    this.#sweep = new Sweep(time, (now) => this.#expire(now));
  }

  get size(): number {
    return this.#calls.size;
  }

  has(id: CallId): boolean {
    return this.#calls.has(id);
  }

  get(id: CallId): Served | undefined {
    return this.#calls.get(id);
  }

  add(id: CallId, served: Served): void {
    this.#calls.set(id, served);
    if (served.dueAt !== Infinity) this.#sweep.watch(served.dueAt);
  }

  /** False when the call was cancelled meanwhile: then its answer is of no use to anybody. */
  finish(id: CallId): boolean {
    return this.#calls.delete(id);
  }

  /** Returns whether it was still running. */
  cancel(id: CallId, reason: CrosswireError): boolean {
    const served = this.#calls.get(id);
    if (served === undefined) return false;
    this.#calls.delete(id);
    served.cancel(reason);
    this.#onCancelled(id, served, reason);
    return true;
  }

  /** The connection ended. */
  cancelAll(reason: CrosswireError): void {
    this.#sweep.stop();
    for (const [id, served] of [...this.#calls]) {
      this.#calls.delete(id);
      if (served.outlivesConnection !== true) served.cancel(reason);
      this.#onCancelled(id, served, reason);
    }
  }

  #expire(now: number): number {
    let next = Infinity;
    for (const [id, served] of this.#calls) {
      if (served.dueAt <= now) {
        // Its caller stopped waiting as well, so it needs no answer.
        this.cancel(id, timeIsUp(served.path));
      } else if (served.dueAt < next) {
        next = served.dueAt;
      }
    }
    return next;
  }
}
