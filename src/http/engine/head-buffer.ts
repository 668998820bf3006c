// Collects a response head that may come in pieces, down to single bytes, in linear time.

const STARTS_WITH = Buffer.from("HTTP/1.");
/** Most heads are shorter, and so is a small body behind them. */
const WINDOW_BYTES = 4_096;
const CR = 13;
const LF = 10;

export class HeadBuffer {
  /** Of the bytes given last, how many belonged to the head that `take` returned. */
  taken = 0;
  /** Why no head will come of this. */
  trouble: string | undefined;
  #maxBytes: number;
  /** The text that the last head was found in, with what follows it. */
  #window = "";
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
    if (this.#size > 0) return this.#collect(bytes, from, end);
    const size = Math.min(end - from, this.#maxBytes);
    return (
      this.#find(bytes, from, from + Math.min(size, WINDOW_BYTES)) ??
      (size > WINDOW_BYTES ? this.#find(bytes, from, from + size) : undefined) ??
      this.#collect(bytes, from, end)
    );
  }

  /** The first `size` bytes behind that head as text; undefined where that was not read along with it. */
  following(size: number): string | undefined {
    const stop = this.taken + size;
    return this.#window.length < stop ? undefined : this.#window.slice(this.taken, stop);
  }

  /** HOT: head and small body become text in one step, and are searched as text, benchmarks/proxy. */
  #find(bytes: Buffer, from: number, end: number): string | undefined {
    const text = bytes.toString("latin1", from, end);
    const terminator = text.indexOf("\r\n\r\n");
    this.#window = terminator === -1 ? "" : text;
    if (terminator === -1) return undefined;
    this.taken = terminator + 4;
    return text.slice(0, this.taken);
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
