// The body of a caught request: read only by whoever asks for it, and kept until it is decided that it need not be
// sent again.

import { CrosswireError } from "../errors.ts";
import type { Arrival } from "./virtual-origin.ts";

/** What may have been read of a request that goes on to the network after all. */
const MAX_KEPT_BYTES: number = 16 * 1_048_576;

export class RequestBody {
  #arrival: Promise<Arrival>;
  #source: AsyncIterator<Uint8Array> | undefined;
  #kept: Uint8Array[] | undefined = [];
  #keptBytes = 0;
  #isTooLong = false;

  constructor(arrival: Promise<Arrival>) {
    this.#arrival = arrival;
  }

  /** From where the last reader stopped. */
  async *read(): AsyncGenerator<Uint8Array, void> {
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
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
    const kept = this.#kept ?? [];
    this.forget();
    yield* kept;
    yield* this.read();
  }

  #keep(chunk: Uint8Array): void {
    this.#kept?.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#kept === undefined || this.#keptBytes <= MAX_KEPT_BYTES) return;
    this.#isTooLong = true;
    this.forget();
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#source ??= await this.#open();
    const next = await this.#source.next();
    return next.done === true ? undefined : next.value;
  }

  async #open(): Promise<AsyncIterator<Uint8Array>> {
    const { request, response } = await this.#arrival;
    if (request.headers.expect !== undefined) response.writeContinue();
    // Who stops reading does not end the connection: the answer comes over it.
    return request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  }
}
