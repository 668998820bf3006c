// The bodies of answers that do not ride along: kept until the sender asks for them, or the request is over.

import { CrosswireError } from "../../errors.ts";
import { backgroundClock } from "../../node/node-clock.ts";

interface Waiting {
  readonly body: AsyncIterable<Uint8Array>;
  readonly timer: unknown;
}

/** A sender asks at once, unless its client has just gone. */
const FETCH_WITHIN_MS = 10_000;

export class ResponseBodies {
  /** By sender and request. */
  #waiting = new Map<string, Waiting>();

  keep(senderId: string, id: string, body: AsyncIterable<Uint8Array>): void {
    const key = keyOf(senderId, id);
    // SECURITY: a sender may use an id twice.
    this.#discard(key);
    const timer = backgroundClock.setTimer(() => this.#discard(key), FETCH_WITHIN_MS);
    this.#waiting.set(key, { body, timer });
  }

  /** Once. Throws XW_CANCELLED where there is none. */
  take(senderId: string, id: string): AsyncIterable<Uint8Array> {
    const body = this.#remove(keyOf(senderId, id));
    if (body !== undefined) return body;
    throw new CrosswireError(
      "XW_CANCELLED",
      `There is no body for the request ${id}, or it was given away.`,
    );
  }

  /** A sender is gone. */
  discardOf(senderId: string): void {
    const beginning = keyOf(senderId, "");
    for (const key of this.#waiting.keys()) if (key.startsWith(beginning)) this.#discard(key);
  }

  close(): void {
    for (const key of this.#waiting.keys()) this.#discard(key);
  }

  /** Whoever produces it is told that nobody reads it. */
  #discard(key: string): void {
    const iterator = this.#remove(key)?.[Symbol.asyncIterator]();
    iterator?.return?.().catch(() => {});
  }

  #remove(key: string): AsyncIterable<Uint8Array> | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return undefined;
    backgroundClock.clearTimer(waiting.timer);
    this.#waiting.delete(key);
    return waiting.body;
  }
}

function keyOf(senderId: string, id: string): string {
  return `${senderId}\n${id}`;
}
