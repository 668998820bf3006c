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
    listener: (event: { readonly type: string; readonly data?: unknown }) => void,
  ): void;
  start(): void;
  close(): void;
}

const ACKNOWLEDGE_EVERY_BYTES = 64 * 1024;
/** What is left below that is acknowledged when it has been quiet for a moment. */
const ACKNOWLEDGE_WITHIN_MS = 20;
const CLOSE_GRACE_MS = 1_000;
const { queueMicrotask: defer } = globalThis;

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
  #isEnded = false;
  #closeTimer: Timer;
  #acknowledgeTimer: Timer;

  constructor(port: PortLike) {
    this.#port = port;
    // From the start: a port that closes before `open()` says so only once.
    port.addEventListener("close", () => this.#ended());
  }

  get bufferedBytes(): number {
    return this.#unacknowledged;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#port.addEventListener("message", (event) => this.#received(event.data));
    this.#port.start();
    if (this.#isEnded) defer(() => this.#tellEnd());
  }

  send(frame: OutgoingFrame): boolean {
    if (this.#own !== undefined || this.#events === undefined) return false;
    this.#unacknowledged += byteLengthOf(frame);
    this.#port.postMessage(typeof frame === "string" ? frame : joinBinary(frame));
    return true;
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
    this.#ended();
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
    this.#ended();
  }

  #frame(frame: IncomingFrame): void {
    this.#toAcknowledge += frame.length;
    if (this.#toAcknowledge >= ACKNOWLEDGE_EVERY_BYTES) this.#acknowledge();
    else
      this.#acknowledgeTimer ??= systemClock.setTimer(
        () => this.#acknowledge(),
        ACKNOWLEDGE_WITHIN_MS,
      );
    this.#events?.frame(frame);
  }

  #acknowledge(): void {
    systemClock.clearTimer(this.#acknowledgeTimer);
    this.#acknowledgeTimer = undefined;
    this.#port.postMessage(this.#toAcknowledge);
    this.#toAcknowledge = 0;
  }

  #acknowledged(bytes: number): void {
    this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes);
    if (this.#unacknowledged === 0) this.#events?.drain();
  }

  #ended(): void {
    this.#isEnded = true;
    systemClock.clearTimer(this.#closeTimer);
    systemClock.clearTimer(this.#acknowledgeTimer);
    this.#tellEnd();
  }

  #tellEnd(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.close(this.#own ?? { code: CLOSE_CODE.abnormal, reason: "" });
  }
}
