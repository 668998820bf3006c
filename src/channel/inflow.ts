// The receiving end of a stream: a bounded queue that is read as an async iterator.
// The producer may send as much as it was granted; reading grants more.

import { CrosswireError } from "../errors.ts";
import type { Ending } from "./closing.ts";
import { CLOSE_CODE } from "./transport.ts";

/** What an item counts beside its bytes: small items cost memory too. */
const ITEM_OVERHEAD = 64;

export interface InflowOptions {
  readonly windowBytes: number;
  readonly maxItemBytes: number;
  /** Lets the producer send `bytes` more. */
  readonly grant: (bytes: number) => void;
  /** The consumer stopped reading before the end. */
  readonly onStop: () => void;
  /** Checks an item when it is read; may return a promise; throws to end the stream. */
  readonly accept?: (item: unknown) => unknown;
}

interface Item {
  readonly value: unknown;
  readonly cost: number;
}

interface Reader {
  readonly resolve: (result: IteratorResult<unknown>) => void;
  readonly reject: (reason: unknown) => void;
}

const DONE = { done: true, value: undefined } as const;

export class Inflow implements AsyncIterableIterator<unknown> {
  #options: InflowOptions;
  #items: Item[] = [];
  #readers: Reader[] = [];
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  /** What the producer may still send. */
  #credit: number;
  /** What was read and not yet granted again. */
  #read = 0;
  #end: { readonly error?: unknown } | undefined;

  constructor(options: InflowOptions) {
    this.#options = options;
    this.#credit = options.windowBytes;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** False when the producer sent more than it was granted. */
  push(value: unknown, cost: number): boolean {
    if (!this.#charge(cost)) return false;
    if (this.#end === undefined) this.#deliver({ value: this.#joined(value), cost });
    return true;
  }

  /** A piece of an item that goes on in the next frame. It is granted again at once: only whole items can be read. */
  pushPart(bytes: Uint8Array, cost: number): boolean {
    if (!this.#charge(cost)) return false;
    // What pieces cost is granted again at once, so it is their number that must be bounded as well.
    const overhead = (this.#parts.length + 1) * ITEM_OVERHEAD;
    this.#partBytes += bytes.byteLength;
    if (this.#partBytes + overhead > this.#options.maxItemBytes) return false;
    this.#parts.push(bytes);
    this.#grant(cost);
    return true;
  }

  /** The producer is done; what is queued can still be read. */
  finish(): void {
    this.#settle({});
  }

  /** The producer or the connection failed; what is queued can still be read. */
  fail(error: unknown): void {
    this.#settle({ error });
  }

  async next(): Promise<IteratorResult<unknown>> {
    const item = this.#items.shift();
    if (item !== undefined) return this.#hand(item);
    if (this.#end !== undefined) return this.#ended();
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  async return(): Promise<IteratorResult<unknown>> {
    const wasOpen = this.#end === undefined;
    this.#items = [];
    this.#parts = [];
    this.#settle({});
    this.#end = {};
    if (wasOpen) this.#options.onStop();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** The last item may overdraw the credit; what comes after an overdraft breaks the rule. */
  #charge(cost: number): boolean {
    if (this.#credit <= 0) return false;
    this.#credit -= cost;
    return true;
  }

  #joined(value: unknown): unknown {
    if (this.#parts.length === 0 || !(value instanceof Uint8Array)) return value;
    const joined = new Uint8Array(this.#partBytes + value.byteLength);
    let offset = 0;
    for (const part of [...this.#parts, value]) {
      joined.set(part, offset);
      offset += part.byteLength;
    }
    this.#parts = [];
    this.#partBytes = 0;
    return joined;
  }

  #deliver(item: Item): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#items.push(item);
    else this.#hand(item).then(reader.resolve, reader.reject);
  }

  async #hand({ value, cost }: Item): Promise<IteratorResult<unknown>> {
    this.#grant(cost);
    if (this.#options.accept === undefined) return { done: false, value };
    try {
      return { done: false, value: await this.#options.accept(value) };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  /** Grants are collected: one per quarter of the window is enough to keep the producer going. */
  #grant(cost: number): void {
    this.#read += cost;
    if (this.#end !== undefined || this.#read < this.#options.windowBytes / 4) return;
    this.#credit += this.#read;
    this.#options.grant(this.#read);
    this.#read = 0;
  }

  #settle(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const readers = this.#readers;
    this.#readers = [];
    for (const { resolve, reject } of readers) this.#ended().then(resolve, reject);
  }

  /** An error is thrown once; after it the iterator is done. */
  async #ended(): Promise<IteratorResult<unknown>> {
    const end = this.#end;
    this.#end = {};
    if (end !== undefined && "error" in end) throw end.error;
    return DONE;
  }
}

/** What the two ends of a stream count for one item: its text and its bytes as they stand in the frame. */
export function costOf(data: string, attachments: readonly Uint8Array[]): number {
  return attachments.reduce((sum, bytes) => sum + bytes.byteLength, data.length + ITEM_OVERHEAD);
}

export function overdrawn(path: string): Ending {
  const text = `The producer of ${JSON.stringify(path)} sent more than it was granted.`;
  return { error: new CrosswireError("XW_FRAME", text, { path }), closeCode: CLOSE_CODE.protocol };
}
