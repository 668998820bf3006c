// Where in a stream of WebSocket frames one is: inside a frame, or between two. Looks at lengths only, changes nothing.
// A tunnel needs it to say a last word that does not land in the middle of somebody's frame.

const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASKED = 0x80;

export class FramePosition {
  /** Payload that is still to come of the frame begun. */
  #left = 0;
  #header: number[] = [];

  get isBetweenFrames(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  /** HOT: for each chunk of each tunnel, benchmarks/proxy. */
  advance(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** How many bytes of `chunk` complete the frame that was begun; -1 when all of them belong to it and it goes on. */
  restOfFrame(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.isBetweenFrames) at = this.#step(chunk, at);
    return this.isBetweenFrames ? at : -1;
  }

  /** Returns how far it got. */
  #step(chunk: Uint8Array, at: number): number {
    if (this.#left > 0) {
      const size = Math.min(this.#left, chunk.length - at);
      this.#left -= size;
      return at + size;
    }
    this.#header.push(chunk[at] as number);
    const length = payloadLength(this.#header);
    if (length !== undefined) {
      this.#left = length;
      this.#header = [];
    }
    return at + 1;
  }
}

/** Undefined while the header is not whole. */
function payloadLength(header: readonly number[]): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & ~MASKED;
  const lengthBytes = short === LENGTH_16 ? 2 : short === LENGTH_64 ? 8 : 0;
  const size = 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : 4);
  if (header.length < size) return undefined;
  if (lengthBytes === 0) return short;
  let length = 0;
  for (let i = 2; i < 2 + lengthBytes; i++) length = length * 256 + (header[i] as number);
  return length;
}
