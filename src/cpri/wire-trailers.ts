// Trailers that are known only when a streamed body has ended: the last item of its stream.

import type { Fields } from "../exchange/request.ts";
import { checkBodyItem } from "./check-frames.ts";
import type { BodyItem } from "./cpri-ipc.ts";

/** A body, and then its trailers. Not a generator: to return from one takes effect only after the piece it waits for. */
export class TrailedBody implements AsyncIterableIterator<BodyItem> {
  #body: AsyncIterator<Uint8Array>;
  #trailers: (() => Fields) | undefined;

  constructor(body: AsyncIterator<Uint8Array>, trailers: () => Fields) {
    this.#body = body;
    this.#trailers = trailers;
  }

  async next(): Promise<IteratorResult<BodyItem>> {
    const next = await this.#body.next();
    const trailers = this.#trailers;
    if (next.done !== true || trailers === undefined) return next;
    this.#trailers = undefined;
    return { done: false, value: { trailers: trailers() } };
  }

  async return(): Promise<IteratorResult<BodyItem>> {
    this.#trailers = undefined;
    await this.#body.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The opposite: only the body is read from it, and then its trailers can be asked for. */
export class ReceivedBody implements AsyncIterableIterator<Uint8Array> {
  #open: () => AsyncIterator<BodyItem>;
  #items: AsyncIterator<BodyItem> | undefined;
  #trailers: Fields | undefined;

  /** `open` is called when somebody reads it. */
  constructor(open: () => AsyncIterator<BodyItem>) {
    this.#open = open;
  }

  /** Throws where they did not come: then the body was cut. */
  readonly trailers = (): Fields => {
    if (this.#trailers !== undefined) return this.#trailers;
    throw new TypeError("A body ended without the trailers that its answer had announced.");
  };

  async next(): Promise<IteratorResult<Uint8Array>> {
    const items = (this.#items ??= this.#open());
    for (;;) {
      const next = await items.next();
      if (next.done === true) return { done: true, value: undefined };
      const { value } = next;
      if (value instanceof Uint8Array) return { done: false, value };
      try {
        checkBodyItem(value);
      } catch (error) {
        await this.return();
        throw error;
      }
      this.#trailers = value.trailers;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    await (this.#items ??= this.#open()).return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
