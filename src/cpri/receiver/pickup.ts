// What a sender has to come for with a second call: kept for a moment after the first one was answered.

import { CrosswireError } from "../../errors.ts";
import { backgroundClock } from "../../node/node-clock.ts";
import { PICKUP_MS } from "../body-limits.ts";

interface Kept<Item> {
  readonly item: Item;
  readonly timer: unknown;
}

export class Pickup<Item> {
  #kept = new Map<string, Kept<Item>>();
  #discard: (item: Item) => void;

  /** `discard` gets what nobody comes for. */
  constructor(discard: (item: Item) => void) {
    this.#discard = discard;
  }

  /** A sender comes at once, unless its client has just gone. */
  keep(senderId: string, id: string, item: Item): void {
    const key = requestKey(senderId, id);
    // SECURITY: a sender may use an id twice.
    this.#drop(key);
    const timer = backgroundClock.setTimer(() => this.#drop(key), PICKUP_MS);
    this.#kept.set(key, { item, timer });
  }

  /** Once. Throws XW_CANCELLED where there is none. */
  take(senderId: string, id: string): Item {
    const kept = this.#remove(requestKey(senderId, id));
    if (kept !== undefined) return kept.item;
    const text = `There is nothing to come for with the request ${id}: it is over, or was come for already.`;
    throw new CrosswireError("XW_CANCELLED", text);
  }

  /** A sender is gone. */
  dropOf(senderId: string): void {
    const beginning = requestKey(senderId, "");
    for (const key of this.#kept.keys()) if (key.startsWith(beginning)) this.#drop(key);
  }

  close(): void {
    for (const key of this.#kept.keys()) this.#drop(key);
  }

  #drop(key: string): void {
    const kept = this.#remove(key);
    if (kept !== undefined) this.#discard(kept.item);
  }

  #remove(key: string): Kept<Item> | undefined {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (kept !== undefined) backgroundClock.clearTimer(kept.timer);
    return kept;
  }
}

/** The ids of requests are those of one sender. */
export function requestKey(senderId: string, id: string): string {
  return `${senderId}\n${id}`;
}
