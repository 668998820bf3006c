// The sending end of a stream: takes items from an iterable as fast as the other side reads them, and no faster.

import type { Body } from "../wire/payload.ts";
import { costOf } from "./inflow.ts";

export interface OutflowOptions {
  readonly credit: number;
  readonly chunkBytes: number;
  readonly encode: (item: unknown) => Body;
  /** Sends one item, or with `isPart` a piece of one. */
  readonly post: (body: Body, isPart: boolean) => void;
  /** Something to wait for while the connection is full. */
  readonly room: () => Promise<void> | undefined;
}

export type Source = AsyncIterable<unknown> | Iterable<unknown>;

export class Outflow {
  #options: OutflowOptions;
  #credit: number;
  #isStopped = false;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #wake: (() => void) | undefined;

  constructor(options: OutflowOptions) {
    this.#options = options;
    this.#credit = options.credit;
  }

  /** Resolves to whether the source came to its end; rejects with what it threw. */
  async run(source: Source): Promise<boolean> {
    const iterator = iteratorOf(source);
    this.#iterator = iterator;
    if (this.#isStopped) this.#leave();
    while (!this.#isStopped) {
      const { done, value } = (await iterator.next()) as IteratorResult<unknown, unknown>;
      if (this.#isStopped) break;
      if (done === true) return true;
      await this.#send(value);
    }
    return false;
  }

  grant(bytes: number): void {
    this.#credit += bytes;
    this.#wake?.();
  }

  /** Ends the production. The source's `return()` runs, so that its `finally` can clean up. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#wake?.();
    this.#leave();
  }

  #leave(): void {
    // Not awaited: a generator that waits for something else returns only when that comes. And what
    // a source throws while it is being left has nobody to go to.
    try {
      Promise.resolve(this.#iterator?.return?.()).catch(() => {});
    } catch {
      // The same, thrown at once.
    }
  }

  async #send(item: unknown): Promise<void> {
    const body = this.#options.encode(item);
    const bytes = body.attachments[0];
    const { chunkBytes } = this.#options;
    if (body.rich || bytes === undefined || bytes.byteLength <= chunkBytes) {
      await this.#post(body, false);
      return;
    }
    for (let start = 0; start < bytes.byteLength && !this.#isStopped; start += chunkBytes) {
      const end = start + chunkBytes;
      const piece = { ...body, attachments: [bytes.subarray(start, end)] };
      await this.#post(piece, end < bytes.byteLength);
    }
  }

  async #post(body: Body, isPart: boolean): Promise<void> {
    while (!this.#isStopped) {
      const room = this.#credit > 0 ? this.#options.room() : this.#granted();
      if (room === undefined) break;
      await room;
    }
    if (this.#isStopped) return;
    this.#credit -= costOf(body.data, body.attachments);
    this.#options.post(body, isPart);
  }

  #granted(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

function iteratorOf(source: Source): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in source
    ? source[Symbol.asyncIterator]()
    : (source as Iterable<unknown>)[Symbol.iterator]();
}

/** Whether `value` can be streamed. A string is iterable too, but streaming its letters is never meant. */
export function isSource(value: unknown): value is Source {
  return (
    typeof value === "object" &&
    value !== null &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}
