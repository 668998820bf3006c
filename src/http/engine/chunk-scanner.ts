// Reads a chunked body piece by piece: hands the data on as it comes, and holds nothing but the trailers.
// SECURITY: sizes have at most eight hex digits and lines end with CRLF; whatever else comes is malformed, not guessed at.

import { areFields } from "./grammar.ts";

const MAX_SIZE_DIGITS = 8;
const MAX_EXTENSION_BYTES = 1_024;
const MAX_TRAILER_BYTES = 8_192;
const CR = 13;
const LF = 10;

type State =
  | "size-start"
  | "size"
  | "extension"
  | "size-end"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailers"
  | "done";

export class ChunkScanner {
  #state: State = "size-start";
  #left = 0;
  #digits = 0;
  #extension = 0;
  #trailers = "";

  get isDone(): boolean {
    return this.#state === "done";
  }

  /** Once done: the trailer lines, each with its CRLF. */
  get trailers(): string {
    return this.#trailers;
  }

  /**
   * Hands the data in bytes[from, end) to `emit`, in order. Returns where it stopped: at `end`, behind the body,
   * or -1 when the body is malformed.
   */
  scan(
    bytes: Buffer,
    from: number,
    end: number,
    emit: (from: number, end: number) => void,
  ): number {
    let at = from;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const size = Math.min(this.#left, end - at);
        emit(at, at + size);
        at += size;
        this.#left -= size;
        if (this.#left === 0) this.#state = "data-cr";
      } else if (this.#state === "trailers") {
        at = this.#scanTrailers(bytes, at, end);
        if (at === -1) return -1;
      } else if (this.#takeFraming(bytes[at] as number)) at++;
      else return -1;
    }
    return at;
  }

  /** One byte that is not data. Returns false when it cannot stand here. */
  #takeFraming(byte: number): boolean {
    switch (this.#state) {
      case "size-start":
      case "size":
        return this.#takeSize(byte);
      case "extension":
        if (byte === CR) this.#state = "size-end";
        else if ((byte < 32 && byte !== 9) || byte === 127) return false;
        return ++this.#extension <= MAX_EXTENSION_BYTES;
      case "size-end":
        this.#state = this.#left === 0 ? "trailers" : "data";
        return byte === LF;
      case "data-cr":
        this.#state = "data-lf";
        return byte === CR;
      case "data-lf":
        this.#state = "size-start";
        this.#digits = 0;
        return byte === LF;
      default:
        return false;
    }
  }

  #takeSize(byte: number): boolean {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#left = this.#left * 16 + digit;
      this.#state = "size";
      return ++this.#digits <= MAX_SIZE_DIGITS;
    }
    if (this.#state === "size-start") return false;
    if (byte === CR) {
      this.#state = "size-end";
      return true;
    }
    this.#state = "extension";
    this.#extension = 0;
    return byte === 0x3b || byte === 0x20 || byte === 0x09;
  }

  /** Up to the empty line; the lines are held until it came. */
  #scanTrailers(bytes: Buffer, from: number, end: number): number {
    const held = this.#trailers.length;
    const text =
      this.#trailers + bytes.toString("latin1", from, Math.min(end, from + MAX_TRAILER_BYTES));
    const isEmpty = text.startsWith("\r\n");
    const last = isEmpty ? 0 : text.indexOf("\r\n\r\n", Math.max(0, held - 3)) + 2;
    if (!isEmpty && last === 1) {
      this.#trailers = text;
      return text.length >= MAX_TRAILER_BYTES ? -1 : end;
    }
    this.#trailers = text.slice(0, last);
    this.#state = "done";
    return areFields(this.#trailers) ? from + last + 2 - held : -1;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 0x20;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
