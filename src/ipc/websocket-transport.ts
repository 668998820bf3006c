// Frames over a `ws` WebSocket, which may run over TCP or a Unix socket.

import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { joinBinary } from "../wire/binary-frame.ts";
import {
  CLOSE_CODE,
  type CloseReason,
  type OutgoingFrame,
  type Transport,
  type TransportEvents,
} from "../channel/transport.ts";
import { systemClock, type Timer } from "../channel/clock.ts";
import type { Limits } from "../limits.ts";
import { websocketFrame } from "./websocket-frame.ts";

export interface WebSocketTransportOptions {
  readonly limits: Pick<Limits, "closeGraceMs" | "hardQueueBytes">;
  /** The socket under `ws`: frames are written straight to it. Left out, they go through `ws.send`. */
  readonly socket?: Duplex;
  /** Whether this end must mask what it writes to the socket. */
  readonly masked?: boolean;
  /** Shared by the connections of a server, so that a broadcast is framed once. */
  readonly frames?: FrameCache;
}

/** Remembers the last frame: in a broadcast the same text goes to every client in a row. */
export class FrameCache {
  #text = "";
  #frame: Buffer | undefined;

  frameFor(text: string): Buffer {
    if (this.#frame === undefined || text !== this.#text) {
      this.#text = text;
      this.#frame = websocketFrame(text, false);
    }
    return this.#frame;
  }
}

export class WebSocketTransport implements Transport {
  #ws: WebSocket;
  #options: WebSocketTransportOptions;
  #events: TransportEvents | undefined;
  #error: Error | undefined;
  #reason: CloseReason | undefined;
  #closeTimer: Timer;

  constructor(ws: WebSocket, options: WebSocketTransportOptions) {
    if (ws.readyState === ws.CONNECTING)
      throw new TypeError(
        "A WebSocket must be open to carry a conversation; wait for its open event.",
      );
    this.#ws = ws;
    this.#options = options;
    // What comes before `open()` stays in the socket.
    ws.pause();
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    const ws = this.#ws;
    ws.on("message", (data, isBinary) => events.frame(isBinary ? asBytes(data) : asText(data)));
    ws.on("pong", () => events.alive());
    ws.on("ping", () => this.#pinged());
    ws.on("error", (error) => (this.#error ??= error));
    ws.on("close", (code, reason) => this.#closed(code, reason.toString()));
    this.#options.socket?.on("drain", () => events.drain());
    if (ws.readyState === ws.CLOSED) queueMicrotask(() => this.#closed(CLOSE_CODE.abnormal, ""));
    ws.resume();
  }

  send(frame: OutgoingFrame): void {
    const { socket, masked = false, frames } = this.#options;
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (socket === undefined) this.#sendThroughWs(frame);
    else if (typeof frame === "string" && frames !== undefined)
      socket.write(frames.frameFor(frame));
    else socket.write(websocketFrame(frame, masked));
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
    this.#closeTimer = systemClock.setTimer(
      () => this.terminate({ code, reason }),
      this.#options.limits.closeGraceMs,
    );
  }

  terminate(reason?: CloseReason): void {
    this.#reason ??= reason;
    this.#ws.terminate();
  }

  #sendThroughWs(frame: OutgoingFrame): void {
    const sent = (): void => {
      if (this.#ws.bufferedAmount === 0) this.#events?.drain();
    };
    this.#ws.send(typeof frame === "string" ? frame : joinBinary(frame), sent);
  }

  /** SECURITY: `ws` answers pings by itself; who only sends them and never reads must not fill the memory. */
  #pinged(): void {
    this.#events?.alive();
    if (this.bufferedBytes <= this.#options.limits.hardQueueBytes) return;
    this.terminate({ code: CLOSE_CODE.overloaded, reason: "unread pongs" });
  }

  #closed(code: number, reason: string): void {
    systemClock.clearTimer(this.#closeTimer);
    const error = this.#error === undefined ? {} : { error: this.#error };
    this.#events?.close(this.#reason ?? { code, reason, ...error });
    this.#events = undefined;
  }
}

/** `ws` hands out one Buffer, or with another binaryType an ArrayBuffer or a list. */
function asBytes(data: RawData): Uint8Array {
  if (data instanceof Uint8Array) return data;
  return Array.isArray(data) ? Buffer.concat(data) : new Uint8Array(data);
}

function asText(data: RawData): string {
  const bytes = asBytes(data);
  return Buffer.isBuffer(bytes) ? bytes.toString() : Buffer.from(bytes).toString();
}
