// WebSocket frames as they stand on the socket (RFC 6455 §5.2), for sending only.
// Reading, pings, the closing handshake and every check stay with `ws`. docs/decisions/0004 tells why.

import type { BinaryFrame } from "../wire/binary-frame.ts";
import type { OutgoingFrame } from "../channel/transport.ts";

const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const SEPARATOR = 0xff;

/**
 * One whole frame in one buffer: one write, one system call.
 *
 * HOT: benchmarks/run.ts. `masked` writes a mask of zeros: clients must mask (§5.3), and a zero mask costs
 * nothing. It protects no intermediary, so it is only used where none can be: on loopback and Unix sockets.
 */
export function websocketFrame(frame: OutgoingFrame, masked: boolean): Buffer {
  if (typeof frame !== "string") return binaryFrame(frame, masked);
  const length = Buffer.byteLength(frame);
  const start = headerLength(length, masked);
  const buffer = Buffer.allocUnsafe(start + length);
  writeHeader(buffer, FINAL_TEXT, length, masked);
  // Latin-1 is the faster copy, and the same bytes when every character takes one.
  if (length === frame.length) buffer.write(frame, start, length, "latin1");
  else buffer.write(frame, start, length, "utf8");
  return buffer;
}

function binaryFrame({ head, attachments }: BinaryFrame, masked: boolean): Buffer {
  const headLength = Buffer.byteLength(head);
  const length = attachments.reduce((sum, bytes) => sum + bytes.byteLength, headLength + 1);
  let offset = headerLength(length, masked);
  const buffer = Buffer.allocUnsafe(offset + length);
  writeHeader(buffer, FINAL_BINARY, length, masked);
  buffer.write(head, offset, headLength, "utf8");
  offset += headLength;
  buffer[offset++] = SEPARATOR;
  // Copied, so that the caller may change its bytes as soon as the call returns.
  for (const bytes of attachments) {
    buffer.set(bytes, offset);
    offset += bytes.byteLength;
  }
  return buffer;
}

function headerLength(length: number, masked: boolean): number {
  const mask = masked ? 4 : 0;
  if (length < LENGTH_16) return 2 + mask;
  return (length < 65_536 ? 4 : 10) + mask;
}

function writeHeader(buffer: Buffer, first: number, length: number, masked: boolean): void {
  const mask = masked ? MASKED : 0;
  buffer[0] = first;
  let offset = 2;
  if (length < LENGTH_16) {
    buffer[1] = mask | length;
  } else if (length < 65_536) {
    buffer[1] = mask | LENGTH_16;
    buffer.writeUInt16BE(length, 2);
    offset = 4;
  } else {
    buffer[1] = mask | LENGTH_64;
    buffer.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    buffer.writeUInt32BE(length >>> 0, 6);
    offset = 10;
  }
  if (masked) buffer.fill(0, offset, offset + 4);
}
