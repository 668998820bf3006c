// How a body rides: short text as text, short bytes beside the JSON of the frame, and everything else as a stream of
// its own, which the other side opens if it wants it.

import type { Body } from "../exchange/outcome.ts";
import { WithBytes } from "../wire/with-bytes.ts";
import type { MaybeWithBytes, WireBody } from "./cpri-ipc.ts";

/** What rides along. More would keep other messages of the connection waiting. */
const INLINE_BYTES: number = 64 * 1024;
/** Up to this, text is cheaper as text, since frames of text may share a message; above, it is not worth looking. */
const TEXT_BYTES: number = 4 * 1024;
/** Text that is written as JSON may become three times as long. */
const LONGER = 3;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const { setImmediate } = globalThis;

export interface Ridden {
  readonly body?: WireBody;
  readonly bytes?: Uint8Array;
  /** To be served as a stream. */
  readonly rest?: AsyncIterable<Uint8Array>;
}

/** Reads as much of a body as rides along. A body that does not end at once becomes a stream. */
export async function ride(body: Body | string | undefined): Promise<Ridden> {
  if (body === undefined) return {};
  if (typeof body === "string") {
    return body.length <= INLINE_BYTES / LONGER
      ? { body: { text: body } }
      : rideBytes(new TextEncoder().encode(body));
  }
  if (body instanceof Uint8Array) return rideBytes(body);
  return rideStream(body[Symbol.asyncIterator]());
}

/** Puts the bytes beside the value where there are any. */
export function enclose<Value>(value: Value, bytes: Uint8Array | undefined): MaybeWithBytes<Value> {
  return bytes === undefined ? value : new WithBytes(value, bytes);
}

/** The opposite of `enclose`. */
export function open<Value>(payload: MaybeWithBytes<Value>): {
  value: Value;
  bytes: Uint8Array | undefined;
} {
  return payload instanceof WithBytes
    ? { value: payload.value, bytes: payload.bytes }
    : { value: payload, bytes: undefined };
}

/** The body that rode along; undefined where there is none, or where it has to be asked for. */
export function bodyOf(
  body: WireBody | undefined,
  bytes: Uint8Array | undefined,
): Uint8Array | undefined {
  if (body === undefined || "stream" in body) return undefined;
  if ("text" in body) return Buffer.from(body.text);
  if ("bytes" in body) return bytes ?? new Uint8Array();
  throw new TypeError("A body is text, bytes or a stream.");
}

/** As text where they are text. */
export function rideBytes(bytes: Uint8Array): Ridden {
  const text = bytes.length <= TEXT_BYTES ? textIn(bytes) : undefined;
  if (text !== undefined) return { body: { text } };
  return bytes.length <= INLINE_BYTES
    ? { body: { bytes: true }, bytes }
    : { body: { stream: true }, rest: piece(bytes) };
}

function textIn(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

async function rideStream(source: AsyncIterator<Uint8Array>): Promise<Ridden> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = source.next();
    // A failure is for whoever reads the stream: by then the client has its head.
    const isThere = await Promise.race([next.then(isTrue, isFalse), endOfTurn()]);
    if (!isThere) return { body: { stream: true }, rest: new Continued(pieces, next, source) };
    const result = await next;
    if (result.done === true) return rideBytes(joined(pieces));
    const { value } = result;
    pieces.push(value);
    size += value.length;
    if (size > INLINE_BYTES) {
      return { body: { stream: true }, rest: new Continued(pieces, source.next(), source) };
    }
  }
}

/** What was read already, and what is still to come. Not a generator: to return from one takes effect only after the piece that it waits for. */
class Continued implements AsyncIterableIterator<Uint8Array> {
  #pieces: Uint8Array[];
  /** The read that is under way. */
  #next: Promise<IteratorResult<Uint8Array>> | undefined;
  #source: AsyncIterator<Uint8Array>;

  constructor(
    pieces: Uint8Array[],
    next: Promise<IteratorResult<Uint8Array>>,
    source: AsyncIterator<Uint8Array>,
  ) {
    this.#pieces = pieces;
    this.#next = next;
    this.#source = source;
    // Whoever reads hears of a failure; perhaps nobody ever does.
    next.catch(() => {});
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const value = this.#pieces.shift();
    if (value !== undefined) return { done: false, value };
    const next = this.#next ?? this.#source.next();
    this.#next = undefined;
    return next;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#pieces = [];
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function* piece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
}

const isTrue = (): true => true;
const isFalse = (): false => false;

function endOfTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(resolve, false));
}
