// Two transports joined in memory: for tests, and for peers that happen to live in one process.

import { byteLengthOf, joinBinary } from "../wire/binary-frame.ts";
import {
  CLOSE_CODE,
  type CloseReason,
  type IncomingFrame,
  type OutgoingFrame,
  type Transport,
  type TransportEvents,
} from "./transport.ts";

const { queueMicrotask: defer } = globalThis;

/** Both ends. What one sends, the other receives in a later turn, in order. */
export function createMemoryPair(): [Transport, Transport] {
  const a = new MemoryTransport();
  const b = new MemoryTransport();
  a.join(b);
  b.join(a);
  return [a, b];
}

class MemoryTransport implements Transport {
  #other: MemoryTransport | undefined;
  #events: TransportEvents | undefined;
  #inbox: IncomingFrame[] = [];
  #isDelivering = false;
  #bufferedBytes = 0;
  #closing: CloseReason | undefined;
  #isClosed = false;

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  join(other: MemoryTransport): void {
    this.#other = other;
  }

  open(events: TransportEvents): void {
    this.#events = events;
    this.#deliverLater();
  }

  send(frame: OutgoingFrame): boolean {
    if (this.#closing !== undefined || this.#isClosed) return false;
    this.#bufferedBytes += byteLengthOf(frame);
    this.#other?.accept(typeof frame === "string" ? frame : joinBinary(frame));
    return true;
  }

  close(code: number, reason: string): void {
    this.#end({ code, reason });
    this.#other?.endAfterInbox({ code, reason });
  }

  terminate(reason: CloseReason = { code: CLOSE_CODE.abnormal, reason: "" }): void {
    this.#inbox = [];
    this.#end(reason);
    this.#other?.endAfterInbox({ code: CLOSE_CODE.abnormal, reason: "" });
  }

  accept(frame: IncomingFrame): void {
    if (this.#isClosed) return;
    this.#inbox.push(frame);
    this.#deliverLater();
  }

  /** What was sent before the close still arrives. */
  endAfterInbox(reason: CloseReason): void {
    this.#closing ??= reason;
    this.#deliverLater();
  }

  arrived(frame: IncomingFrame): void {
    this.#bufferedBytes -= frame.length;
    if (this.#bufferedBytes <= 0) {
      this.#bufferedBytes = 0;
      this.#events?.drain();
    }
  }

  #deliverLater(): void {
    if (this.#isDelivering || this.#events === undefined) return;
    this.#isDelivering = true;
    defer(() => this.#deliver());
  }

  #deliver(): void {
    this.#isDelivering = false;
    for (let frame = this.#inbox.shift(); frame !== undefined; frame = this.#inbox.shift()) {
      this.#other?.arrived(frame);
      this.#events?.frame(frame);
    }
    if (this.#closing !== undefined) this.#end(this.#closing);
  }

  #end(reason: CloseReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const events = this.#events;
    defer(() => events?.close(reason));
  }
}
