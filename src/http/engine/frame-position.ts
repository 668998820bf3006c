// Where in a stream of WebSocket frames one is: inside a frame, or between two. Looks at lengths only, changes nothing.
// A tunnel needs it to say a last word that does not land in the middle of somebody's frame.

const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASKED = 0x80;
const LONGEST_HEADER = 14;

export class FramePosition {
  /** Payload that is still to come of the frame begun. */
  #left = 0;
  /** A header that came in pieces. */
  #pieces: Buffer | undefined;
  #size = 0;

  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#size === 0;
  }

  /** HOT: for each chunk of each tunnel, benchmarks/proxy. */
  advance(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** How many bytes of `chunk` complete the frame that was begun; -1 when all of them belong to it and it goes on. */
  restOfFrame(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length && !this.isBetweenFrames) at = this.#step(chunk, at);
    return this.isBetweenFrames ? at : -1;
  }

  /** Returns how far it got: to the end of a header, of a payload, or of the chunk. */
  #step(chunk: Buffer, at: number): number {
    if (this.#left > 0) {
      const size = Math.min(this.#left, chunk.length - at);
      this.#left -= size;
      return at + size;
    }
    if (this.#size === 0) {
      const size = headerSize(chunk, at, chunk.length);
      if (at + size <= chunk.length) {
        this.#left = payloadLength(chunk, at);
        return at + size;
      }
    }
    return this.#collect(chunk, at);
  }

  /** One byte at a time: this happens once in a while, between two reads. */
  #collect(chunk: Buffer, at: number): number {
    const pieces = (this.#pieces ??= Buffer.alloc(LONGEST_HEADER));
    pieces[this.#size++] = chunk[at] as number;
    if (this.#size >= headerSize(pieces, 0, this.#size)) {
      this.#left = payloadLength(pieces, 0);
      this.#size = 0;
    }
    return at + 1;
  }
}

/** More than there is while the second byte, which tells it, is not there. */
function headerSize(bytes: Buffer, at: number, end: number): number {
  if (end - at < 2) return LONGEST_HEADER;
  const second = bytes[at + 1] as number;
  const short = second & ~MASKED;
  const lengthBytes = short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0;
  return 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : 4);
}

function payloadLength(bytes: Buffer, at: number): number {
  const short = (bytes[at + 1] as number) & ~MASKED;
  if (short === LENGTH_16) return bytes.readUInt16BE(at + 2);
  if (short === LENGTH_64) return bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
  return short;
}
