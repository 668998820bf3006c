// Collects a response head that may come in pieces, down to single bytes, in linear time.

const STARTS_WITH = Buffer.from("HTTP/1.");
const CR = 13;
const LF = 10;

export class HeadBuffer {
  /** Of the bytes given last, how many belonged to the head that `take` returned. */
  taken = 0;
  /** Why no head will come of this. */
  trouble: string | undefined;
  #maxBytes: number;
  /** What came of a head that is not whole yet. */
  #held: Buffer | undefined;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The head that ends in bytes[from, end), as latin1 text with its empty line; undefined while it is not whole. */
  take(bytes: Buffer, from: number, end: number): string | undefined {
    if (this.#size === 0) {
      const terminator = bytes.indexOf("\r\n\r\n", from, "latin1");
      const stop = terminator === -1 || terminator + 4 > end ? -1 : terminator + 4;
      if (stop !== -1 && stop - from <= this.#maxBytes) {
        this.taken = stop - from;
        return bytes.toString("latin1", from, stop);
      }
    }
    return this.#collect(bytes, from, end);
  }

  #collect(bytes: Buffer, from: number, end: number): string | undefined {
    const held = (this.#held ??= Buffer.allocUnsafe(this.#maxBytes));
    for (let at = from; at < end; at++) {
      if (this.#size === this.#maxBytes) return this.#refuse("a head above limits.maxHeadBytes");
      const byte = bytes[at] as number;
      if (this.#size < STARTS_WITH.length && byte !== STARTS_WITH[this.#size])
        return this.#refuse("something that is not HTTP/1");
      held[this.#size++] = byte;
      if (byte === LF && this.#endsWithEmptyLine(held)) {
        const text = held.toString("latin1", 0, this.#size);
        this.#held = undefined;
        this.#size = 0;
        this.taken = at + 1 - from;
        return text;
      }
    }
    return undefined;
  }

  #refuse(trouble: string): undefined {
    this.trouble = trouble;
    return undefined;
  }

  #endsWithEmptyLine(held: Buffer): boolean {
    const size = this.#size;
    return size >= 4 && held[size - 2] === CR && held[size - 3] === LF && held[size - 4] === CR;
  }
}
