// What carries frames. A channel neither knows nor cares whether this is a WebSocket, a MessagePort or memory.

import type { BinaryFrame } from "../wire/binary-frame.ts";

export type OutgoingFrame = string | BinaryFrame;
export type IncomingFrame = string | Uint8Array;

export const CLOSE_CODE = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  abnormal: 1006,
  tooBig: 1009,
  overloaded: 1013,
  superseded: 4001,
  version: 4002,
  silent: 4003,
} as const;

export interface CloseReason {
  /** A WebSocket close code, whatever the transport is. */
  readonly code: number;
  readonly reason: string;
  readonly error?: Error;
}

export interface TransportEvents {
  frame(frame: IncomingFrame): void;
  /** Any sign of life that is not a frame, such as a WebSocket pong. */
  alive(): void;
  /** Everything handed to `send()` has left. */
  drain(): void;
  /** Called exactly once, also when this side closed. Nothing is called after it. */
  close(reason: CloseReason): void;
}

export interface Transport {
  /** Bytes handed to `send()` that have not left yet. */
  readonly bufferedBytes: number;
  /** Starts delivery. Nothing is delivered before, and nothing that came before is lost. */
  open(events: TransportEvents): void;
  /** Hands over one frame, in order. Never throws: false means that the transport is gone and dropped it. */
  send(frame: OutgoingFrame): boolean;
  /** Asks for a sign of life below the protocol, where the transport has such a thing. */
  ping?(): void;
  /** From now on it keeps no process alive. */
  unref?(): void;
  /** Lets everything sent arrive, then closes. Bounded: ends in `terminate()` by itself. */
  close(code: number, reason: string): void;
  /** Closes now; what is unsent is lost. */
  terminate(reason?: CloseReason): void;
}
