// The body of a caught request: read only by whoever asks for it, and kept until it is decided that it need not be
// sent again.

import { CrosswireError } from "../errors.ts";
import type { Arrival } from "./virtual-origin.ts";

/** What may have been read of a request that goes on to the network after all. */
const MAX_KEPT_BYTES: number = 16 * 1_048_576;

export class RequestBody {
  #open: () => Promise<AsyncIterator<Uint8Array>>;
  #source: Promise<AsyncIterator<Uint8Array>> | undefined;
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #isTooLong = false;
  /** What a reader waits for. */
  #coming: Promise<Uint8Array | undefined> | undefined;
  #isHandedOn = false;

  /** `open` is called when somebody reads. */
  constructor(open: () => Promise<AsyncIterator<Uint8Array>>) {
    this.#open = open;
  }

  /** Whether somebody reads, or has read: then the client cannot send it any more. */
  get isTouched(): boolean {
    return this.#source !== undefined;
  }

  /** From where the last reader stopped. Rejects with XW_CANCELLED once the whole of it goes elsewhere. */
  async *read(): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      this.#coming = this.#next();
      const chunk = await this.#coming;
      if (this.#isHandedOn) throw new CrosswireError("XW_CANCELLED");
      this.#coming = undefined;
      if (chunk === undefined) return;
      this.#keep(chunk);
      yield chunk;
    }
  }

  /** Nobody will want it from its beginning. */
  forget(): void {
    this.#kept = undefined;
  }

  /** From its beginning. Rejects with XW_LIMIT when more was read of it than is kept. */
  async *whole(): AsyncGenerator<Uint8Array, void> {
    if (this.#isTooLong) {
      throw new CrosswireError(
        "XW_LIMIT",
        `More than ${MAX_KEPT_BYTES} bytes of a request were read before it was passed through, and are gone. Decide by the head, or answer what is read.`,
      );
    }
    this.#isHandedOn = true;
    const kept = this.#kept ?? [];
    this.forget();
    yield* kept;
    let chunk = await (this.#coming ?? this.#next());
    for (; chunk !== undefined; chunk = await this.#next()) yield chunk;
  }

  #keep(chunk: Uint8Array): void {
    this.#kept?.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#kept === undefined || this.#keptBytes <= MAX_KEPT_BYTES) return;
    this.#isTooLong = true;
    this.forget();
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#source ??= this.#open();
    const next = await (await this.#source).next();
    return next.done === true ? undefined : next.value;
  }
}

/** Of a request that came over a virtual connection. */
export function bodyOf({ request, response }: Arrival): AsyncIterator<Uint8Array> {
  if (request.headers.expect !== undefined) response.writeContinue();
  // Who stops reading does not end the connection: the answer comes over it.
  return request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
}
