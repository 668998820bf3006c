// The bytes of bodies. No two in a row are equal, so a lost or doubled piece changes the digest.

import { createHash } from "node:crypto";

export function patternBytes(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i += 1) bytes[i] = i * 31 + (i >> 8);
  return bytes;
}

export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
