// Builds what travels in the rows and in the gate. Sizes are bytes of JSON text in UTF-8.

import type { Payload } from "./rows.ts";

const SMALL_BYTES = 100;

export interface SmallPayload {
  id: number;
  [field: string]: unknown;
}

/** An object whose JSON text has exactly 100 bytes as long as `id` has seven digits. */
export function smallPayload(id = 1_000_000): SmallPayload {
  const object = { id, user: "ada", active: true, score: 0.25, tags: ["red", "blue"], text: "" };
  object.text = "x".repeat(SMALL_BYTES - jsonBytes(object));
  return object;
}

export function rowPayload(payload: Payload): unknown {
  if (payload === "small") return smallPayload();
  return recordsPayload(payload === "10 KB" ? 10 * 1024 : 1024 * 1024);
}

/** A list of small records, as an API would answer it. */
function recordsPayload(bytes: number): unknown {
  const count = Math.floor(bytes / (SMALL_BYTES + 1));
  return { records: Array.from({ length: count }, (_, index) => smallPayload(1_000_000 + index)) };
}

/** No two bytes in a row are equal, and the pattern is not aligned to a four-byte mask. */
export function bytesPayload(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

// Two, three and four byte characters, and what a careless frame format trips over:
// separators, quotes, line breaks, NUL, a line separator, a lone surrogate.
const AWKWARD_TEXT = 'ß漢字🚀é ":,|\\/\n\r\t\0\u2028\ud800 r:1:echo:{} ';

export function awkwardPayload(bytes: number): unknown {
  const unit = jsonBytes({ text: AWKWARD_TEXT }) - jsonBytes({ text: "" });
  const text = AWKWARD_TEXT.repeat(Math.ceil(bytes / unit));
  return { "ключ:1": text, nested: [null, -0.5, "", { deep: [true] }] };
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
