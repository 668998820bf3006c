// Frames over a `ws` WebSocket, which may run over TCP or a Unix socket.

import type { Socket } from "node:net";
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
  readonly limits: Pick<Limits, "closeGraceMs">;
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

/** The close codes that `ws` sends for what it refuses to read. All others are violations of the protocol. */
const VIOLATIONS: ReadonlyMap<string, number> = new Map([
  ["WS_ERR_INVALID_UTF8", 1007],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", CLOSE_CODE.tooBig],
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", CLOSE_CODE.tooBig],
]);

function closeCodeOf({ code = "" }: NodeJS.ErrnoException): number {
  if (!code.startsWith("WS_ERR_")) return CLOSE_CODE.abnormal;
  return VIOLATIONS.get(code) ?? CLOSE_CODE.protocol;
}

export class WebSocketTransport implements Transport {
  #ws: WebSocket;
  #options: WebSocketTransportOptions;
  #events: TransportEvents | undefined;
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
    ws.on("message", (data, isBinary) =>
      this.#events?.frame(isBinary ? asBytes(data) : asText(data)),
    );
    ws.on("pong", () => events.alive());
    // `ws` answers pings, and cuts off who sends them without reading the answers.
    ws.on("ping", () => events.alive());
    ws.on("error", (error) => this.#failed(error));
    ws.on("close", (code, reason) => this.#closed(code, reason.toString()));
    this.#options.socket?.on("drain", () => events.drain());
    if (ws.readyState === ws.CLOSED) queueMicrotask(() => this.#closed(CLOSE_CODE.abnormal, ""));
    ws.resume();
  }

  send(frame: OutgoingFrame): boolean {
    const { socket, masked = false, frames } = this.#options;
    if (this.#ws.readyState !== this.#ws.OPEN) return false;
    if (socket === undefined) this.#sendThroughWs(frame);
    else if (typeof frame === "string" && frames !== undefined)
      socket.write(frames.frameFor(frame));
    else socket.write(websocketFrame(frame, masked));
    return true;
  }

  ping(): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason);
    this.#closeTimer ??= systemClock.setTimer(
      () => this.terminate({ code, reason }),
      this.#options.limits.closeGraceMs,
    );
  }

  terminate(reason?: CloseReason): void {
    this.#reason ??= reason;
    this.#ws.terminate();
  }

  unref(): void {
    // The field of `ws` is not documented; it has no other way to its socket.
    const { _socket: inner } = this.#ws as unknown as { readonly _socket?: Duplex };
    const socket = (this.#options.socket ?? inner) as Partial<Socket> | undefined;
    socket?.unref?.();
  }

  #sendThroughWs(frame: OutgoingFrame): void {
    const sent = (): void => {
      if (this.#ws.bufferedAmount === 0) this.#events?.drain();
    };
    this.#ws.send(typeof frame === "string" ? frame : joinBinary(frame), sent);
  }

  /**
   * Over at once: `ws` has sent its close, but the other side may never answer it, and who sends what cannot
   * be read is given no more than the grace to go.
   */
  #failed(error: Error): void {
    this.#end(this.#reason ?? { code: closeCodeOf(error), reason: error.message, error });
    this.#closeTimer ??= systemClock.setTimer(
      () => this.#ws.terminate(),
      this.#options.limits.closeGraceMs,
    );
  }

  #closed(code: number, reason: string): void {
    systemClock.clearTimer(this.#closeTimer);
    this.#end(this.#reason ?? { code, reason });
  }

  #end(reason: CloseReason): void {
    const events = this.#events;
    this.#events = undefined;
    events?.close(reason);
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
