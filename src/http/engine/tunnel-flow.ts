// One direction of a tunnel: passes bytes on, and can be shut between two frames with a last word of the proxy's own.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { FramePosition } from "./frame-position.ts";

const GOING_AWAY = 1001;

export class TunnelFlow {
  bytes = 0;
  /** Nothing may follow any more. */
  isShut = false;
  #position = new FramePosition();
  #destination: Duplex;
  #isToServer: boolean;
  #isDraining = false;

  constructor(destination: Duplex, isToServer: boolean) {
    this.#destination = destination;
    this.#isToServer = isToServer;
  }

  /** Returns whether the destination takes more right now. */
  pass(chunk: Buffer): boolean {
    if (this.isShut) return true;
    const bytes = this.#isDraining ? this.#restOfFrame(chunk) : chunk;
    if (!this.#isDraining) this.#position.advance(chunk);
    this.bytes += bytes.length;
    const isTaken = bytes.length === 0 || this.#destination.write(bytes);
    if (this.#isDraining) this.#shutBetweenFrames();
    return isTaken;
  }

  /** The source said its own last word. */
  end(): void {
    if (this.isShut) return;
    this.isShut = true;
    this.#destination.end();
  }

  /** Says 1001 as soon as the frame under way is whole. */
  drain(): void {
    this.#isDraining = true;
    this.#shutBetweenFrames();
  }

  #restOfFrame(chunk: Buffer): Buffer {
    const rest = this.#position.restOfFrame(chunk);
    return rest === -1 ? chunk : chunk.subarray(0, rest);
  }

  #shutBetweenFrames(): void {
    if (this.isShut || !this.#position.isBetweenFrames) return;
    this.isShut = true;
    this.#destination.end(closeFrame(this.#isToServer));
  }
}

/** RFC 6455 5.5.1, with status 1001; frames to a server are masked. */
function closeFrame(isMasked: boolean): Buffer {
  const code = [GOING_AWAY >> 8, GOING_AWAY & 0xff];
  if (!isMasked) return Buffer.from([0x88, 2, ...code]);
  const mask = randomBytes(4);
  return Buffer.from([0x88, 0x82, ...mask, ...code.map((byte, i) => byte ^ (mask[i] as number))]);
}
