// The beginning of a body that goes by, for whoever looks at it later. Nothing is kept back for it.

const MAX_SEEN_BYTES: number = 64 * 1024;

export class SeenBody {
  #pieces: Uint8Array[] = [];
  #size = 0;

  /** A copy: whoever gave it may write over it. */
  readonly add = (piece: Uint8Array): void => {
    if (this.#size === MAX_SEEN_BYTES) return;
    const beginning = piece.subarray(0, MAX_SEEN_BYTES - this.#size);
    this.#size += beginning.length;
    this.#pieces.push(new Uint8Array(beginning));
  };

  bytes(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }
}
