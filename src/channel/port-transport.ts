// Frames over a MessagePort: worker_threads, MessageChannel, or a browser's postMessage channel.
// A port has no flow control and, in browsers, no close event; both are made here with two small notes:
// a number acknowledges bytes, an object closes.

import { byteLengthOf, joinBinary } from "../wire/binary-frame.ts";
import { systemClock, type Timer } from "./clock.ts";
import {
  CLOSE_CODE,
  type CloseReason,
  type IncomingFrame,
  type OutgoingFrame,
  type Transport,
  type TransportEvents,
} from "./transport.ts";

/** What is used of a port. Node's and the browser's both fit. */
export interface PortLike {
  postMessage(message: unknown): void;
  addEventListener(
    type: "message" | "close",
    listener: (event: { readonly data?: unknown }) => void,
  ): void;
  start(): void;
  close(): void;
}

const ACKNOWLEDGE_EVERY_BYTES = 64 * 1024;
const CLOSE_GRACE_MS = 1_000;

/** A transport over one end of a MessageChannel. Both ends must use it. */
export function createPortTransport(port: PortLike): Transport {
  return new PortTransport(port);
}

class PortTransport implements Transport {
  #port: PortLike;
  #events: TransportEvents | undefined;
  #unacknowledged = 0;
  #toAcknowledge = 0;
  #own: CloseReason | undefined;
  #closeTimer: Timer;

  constructor(port: PortLike) {
    this.#port = port;
  }

  get bufferedBytes(): number {
    return this.#unacknowledged;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#port.addEventListener("message", (event) => this.#received(event.data));
    this.#port.addEventListener("close", () =>
      this.#ended(this.#own ?? { code: CLOSE_CODE.abnormal, reason: "" }),
    );
    this.#port.start();
  }

  send(frame: OutgoingFrame): void {
    if (this.#own !== undefined || this.#events === undefined) return;
    this.#unacknowledged += byteLengthOf(frame);
    this.#port.postMessage(typeof frame === "string" ? frame : joinBinary(frame));
  }

  close(code: number, reason: string): void {
    if (this.#own !== undefined) return;
    this.#own = { code, reason };
    this.#port.postMessage({ code, reason });
    // The other side closes the port once it read everything; if it does not, it is closed here.
    this.#closeTimer = systemClock.setTimer(() => this.terminate(), CLOSE_GRACE_MS);
  }

  terminate(reason?: CloseReason): void {
    this.#own ??= reason ?? { code: CLOSE_CODE.abnormal, reason: "" };
    this.#port.close();
    this.#ended(this.#own);
  }

  #received(data: unknown): void {
    if (typeof data === "number") return this.#acknowledged(data);
    if (typeof data === "string" || data instanceof Uint8Array) return this.#frame(data);
    const { code, reason } = (data ?? {}) as { readonly code?: unknown; readonly reason?: unknown };
    this.#own ??= {
      code: typeof code === "number" ? code : CLOSE_CODE.abnormal,
      reason: typeof reason === "string" ? reason : "",
    };
    this.#port.close();
    this.#ended(this.#own);
  }

  #frame(frame: IncomingFrame): void {
    this.#toAcknowledge += frame.length;
    if (this.#toAcknowledge >= ACKNOWLEDGE_EVERY_BYTES) {
      this.#port.postMessage(this.#toAcknowledge);
      this.#toAcknowledge = 0;
    }
    this.#events?.frame(frame);
  }

  #acknowledged(bytes: number): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes);
    if (this.#unacknowledged < ACKNOWLEDGE_EVERY_BYTES) this.#events?.drain();
  }

  #ended(reason: CloseReason): void {
    systemClock.clearTimer(this.#closeTimer);
    const events = this.#events;
    this.#events = undefined;
    events?.close(reason);
  }
}
