// One side of a relayed WebSocket: the application's, or the real server's. What is ordered before it is open waits.

import type { RawData, WebSocket } from "ws";
import { type CloseFrame, fittingReason, isSendableCode } from "../exchange/websocket.ts";

/** Unwritten bytes from which on nothing more is read from the other side. */
const CONGESTED_BYTES = 1_048_576;

export interface LegEvents {
  frame(data: Buffer, isBinary: boolean): void;
  /** Once, at the very end. */
  close(code: number, reason: string): void;
  /** It was congested, and is not any more. */
  drain(): void;
}

export class WebSocketLeg {
  #events: LegEvents;
  #socket: WebSocket | undefined;
  #waiting: ((socket: WebSocket) => void)[] = [];
  #waitingBytes = 0;
  #wasCongested = false;
  #isPaused = false;
  #isOver = false;
  #drained: (() => void)[] = [];
  /** How it was closed from here. */
  #closing: CloseFrame | undefined;
  /** One for all frames. */
  #onWritten = (): void => this.#checkDrain();

  constructor(events: LegEvents) {
    this.#events = events;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whoever hears that it is congested is told when it is not any more. */
  checkCongested(): boolean {
    const bytes = this.#waitingBytes + (this.#socket?.bufferedAmount ?? 0);
    const isCongested = !this.#isOver && bytes > CONGESTED_BYTES;
    this.#wasCongested ||= isCongested;
    return isCongested;
  }

  open(socket: WebSocket): void {
    this.#socket = socket;
    // It was given up meanwhile.
    if (this.#isOver) return socket.on("error", () => {}).terminate();
    socket.on("message", (data: RawData, isBinary) => {
      this.#events.frame(data as Buffer, isBinary);
    });
    // It is followed by the close event, with 1006.
    socket.on("error", () => {});
    socket.once("close", (code, reason) =>
      this.over(code, this.#reasonFor(code, reason.toString())),
    );
    const waiting = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    for (const action of waiting) action(socket);
    // Nobody would say it again.
    if (socket.readyState === socket.CLOSED) return this.over(1006, "");
    if (this.#isPaused) socket.pause();
    else socket.resume();
    this.#checkDrain();
  }

  /** There is none any more, or there never was one. */
  over(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#waiting = [];
    this.#checkDrain();
    this.#events.close(code, reason);
  }

  send(data: Uint8Array, isBinary: boolean): void {
    if (this.#socket === undefined) this.#waitingBytes += data.length;
    this.#do((socket) => {
      if (socket.readyState === socket.OPEN) {
        socket.send(data, { binary: isBinary }, this.#onWritten);
      }
    });
  }

  /** With 1006 it is cut; another code that no frame may carry is left out. */
  close(code: number, reason: string): void {
    if (code === 1006) return this.terminate();
    this.#do((socket) => {
      this.#closing ??= { code, reason };
      if (isSendableCode(code)) socket.close(code, fittingReason(reason));
      else socket.close();
    });
  }

  terminate(): void {
    this.#do((socket) => socket.terminate());
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Undefined when there is room already. */
  room(): Promise<void> | undefined {
    if (!this.checkCongested()) return undefined;
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Some clients, the global WebSocket of Node among them, confirm a close with its code only. */
  #reasonFor(code: number, reason: string): string {
    return reason === "" && this.#closing?.code === code ? this.#closing.reason : reason;
  }

  #do(action: (socket: WebSocket) => void): void {
    if (this.#isOver) return;
    if (this.#socket === undefined) this.#waiting.push(action);
    else action(this.#socket);
  }

  #checkDrain(): void {
    if (!this.#wasCongested || this.checkCongested()) return;
    this.#wasCongested = false;
    for (const resolve of this.#drained.splice(0)) resolve();
    this.#events.drain();
  }
}
