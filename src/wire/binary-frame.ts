// Binary frames: the ASCII header and JSON of a text frame, the byte 0xFF, then the attachments.
// 0xFF never occurs in UTF-8, so the header needs no length; the attachments' lengths ride in the attribute `b`.

import { CrosswireError } from "../errors.ts";
import { attribute, decodeFrame, type Frame } from "./frame.ts";

const SEPARATOR = 0xff;
const MAX_ATTACHMENTS = 1_024;

const { TextEncoder: Encoder, TextDecoder: Decoder } = globalThis;
const encoder = new Encoder();
const decoder = new Decoder("utf-8", { fatal: true });

/** A frame with bytes, still in its parts: the transport joins them without an extra copy. */
export interface BinaryFrame {
  readonly head: string;
  readonly attachments: readonly Uint8Array[];
}

export interface FrameWithAttachments {
  readonly frame: Frame;
  readonly attachments: readonly Uint8Array[];
}

/** The value of the attribute `b`. */
export function lengthsOf(attachments: readonly Uint8Array[]): string {
  return attachments.map((bytes) => bytes.byteLength).join(",");
}

/** An upper bound is enough to refuse; the exact size costs a pass over the text. */
export function byteLengthOf(frame: string | BinaryFrame): number {
  if (typeof frame === "string") return frame.length;
  return frame.attachments.reduce((sum, bytes) => sum + bytes.byteLength, frame.head.length + 1);
}

export function joinBinary({ head, attachments }: BinaryFrame): Uint8Array {
  const header = encoder.encode(head);
  const size = attachments.reduce((sum, bytes) => sum + bytes.byteLength, header.byteLength + 1);
  const joined = new Uint8Array(size);
  joined.set(header);
  joined[header.byteLength] = SEPARATOR;
  let offset = header.byteLength + 1;
  for (const bytes of attachments) {
    joined.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return joined;
}

/** The frame in `bytes`, or in words what is wrong with it. Attachments are windows into `bytes`, not copies. */
export function splitBinary(bytes: Uint8Array): FrameWithAttachments | string {
  const separator = bytes.indexOf(SEPARATOR);
  if (separator === -1) return "a binary frame without the byte 0xFF";
  const head = decodeHead(bytes.subarray(0, separator));
  if (head === undefined) return "a binary frame whose head is not UTF-8";
  const frame = decodeFrame(head, true);
  if (typeof frame === "string") return frame;
  const attachments = cut(bytes, separator + 1, attribute(frame.attributes, "b"));
  return typeof attachments === "string" ? attachments : { frame, attachments };
}

function decodeHead(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function cut(bytes: Uint8Array, start: number, lengths: string | undefined): Uint8Array[] | string {
  if (lengths === undefined || !/^\d{1,15}(,\d{1,15})*$/.test(lengths)) {
    return "a binary frame without the lengths of its attachments";
  }
  const sizes = lengths.split(",").map(Number);
  if (sizes.length > MAX_ATTACHMENTS)
    return `a binary frame with over ${MAX_ATTACHMENTS} attachments`;
  let offset = start;
  const attachments = sizes.map((size) => bytes.subarray(offset, (offset += size)));
  return offset === bytes.byteLength ? attachments : "attachments of other lengths than announced";
}

/** Throws XW_ENCODE before a frame is built that the reader would refuse. */
export function assertAttachmentCount(attachments: readonly Uint8Array[]): void {
  if (attachments.length > MAX_ATTACHMENTS) {
    throw new CrosswireError(
      "XW_ENCODE",
      `A value holds ${attachments.length} pieces of bytes; one frame carries ${MAX_ATTACHMENTS}. Join them.`,
    );
  }
}
