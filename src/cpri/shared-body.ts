// A body that several may read, each from its beginning, though it comes only once.

import { CrosswireError } from "../errors.ts";

/** What went by longer ago than this is gone, for whoever did not read along. */
const MAX_KEPT_BYTES: number = 16 * 1_048_576;

const { setImmediate } = globalThis;

export class SharedBody {
  #open: () => AsyncIterable<Uint8Array>;
  #source: AsyncIterator<Uint8Array> | undefined;
  #pieces: Uint8Array[] = [];
  #keptBytes = 0;
  /** Of pieces that came before the kept ones. */
  #dropped = 0;
  /** The read under way, shared by all who wait for the next piece. Resolves to whether there was one. */
  #pulling: Promise<boolean> | undefined;
  #isEnded = false;
  #isClosed = false;
  #isStopped = false;

  /** `open` is called when somebody reads for the first time. */
  constructor(open: () => AsyncIterable<Uint8Array>) {
    this.#open = open;
  }

  /**
   * From the beginning. Fails with XW_LIMIT for a reader that came, or stayed, too far behind, and with XW_CANCELLED
   * for one that wants more than had come when it was stopped.
   */
  async *read(): AsyncGenerator<Uint8Array, void> {
    for (let at = 0; ; at++) {
      if (at < this.#dropped) throw gone();
      while (at - this.#dropped >= this.#pieces.length) {
        if (!(await (this.#pulling ??= this.#pull()))) return;
      }
      yield this.#pieces[at - this.#dropped] as Uint8Array;
    }
  }

  /** Reads all of it as it comes, for whoever reads later. */
  async keepAll(): Promise<void> {
    try {
      for await (const _ of this.read());
    } catch {
      // For those who read it.
    }
  }

  /** Nobody begins to read from now on. Whoever is at it may go on; what came can be read at any time. */
  close(): void {
    this.#isClosed = true;
    if (this.#pulling === undefined) this.#stop();
  }

  async #pull(): Promise<boolean> {
    try {
      if (this.#isEnded) return false;
      if (this.#isStopped) throw over();
      this.#source ??= this.#open()[Symbol.asyncIterator]();
      const next = await this.#source.next();
      if (next.done === true) this.#isEnded = true;
      else this.#keep(next.value);
      return next.done !== true;
    } finally {
      this.#pulling = undefined;
      if (this.#isClosed) this.#stopSoon();
    }
  }

  /** Unless the next read follows at once. */
  #stopSoon(): void {
    setImmediate(() => {
      if (this.#pulling === undefined) this.#stop();
    });
  }

  /** Otherwise the client would wait until the rest of it is read. */
  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // It may have failed, which is for those who read it.
    if (!this.#isEnded) this.#source?.return?.().catch(() => {});
  }

  #keep(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#keptBytes += piece.length;
    while (this.#keptBytes > MAX_KEPT_BYTES && this.#pieces.length > 1) {
      this.#keptBytes -= (this.#pieces.shift() as Uint8Array).length;
      this.#dropped++;
    }
  }
}

function gone(): CrosswireError {
  return new CrosswireError(
    "XW_LIMIT",
    `The body of this request is read by several handlers, and this one came after more than ${MAX_KEPT_BYTES} bytes had gone by. Decide by the head of the request, or read in one handler only.`,
  );
}

function over(): CrosswireError {
  return new CrosswireError(
    "XW_CANCELLED",
    "The request is over, and this part of its body was not read before it was answered. Read the body in the handler.",
  );
}
