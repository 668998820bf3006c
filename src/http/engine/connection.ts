// One connection to a target: writes request heads, reads responses, and knows whether it may be used again.
// It carries one exchange at a time and never pipelines.

import type { Socket } from "node:net";
import type { CrosswireError } from "../../errors.ts";
import { ChunkScanner } from "./chunk-scanner.ts";
import type { Timed } from "./deadlines.ts";
import { dial, readyEvent } from "./dial.ts";
import { brokeOff, misspoke, unreachable } from "./failures.ts";
import { HeadBuffer } from "./head-buffer.ts";
import {
  type Framing,
  readResponseHead,
  readTrailers,
  type UpstreamHead,
} from "./response-head.ts";
import type { ProxyTarget } from "./target.ts";

/** The exchange that a connection carries. */
export interface Carried extends Timed {
  /** A response to HEAD has no body, whatever its head says. */
  readonly isHead: boolean;
  /** Whether the whole request was written; only then is the connection free after the response. */
  readonly isSent: boolean;
  /** Requests can be written now. Called once, if the connection was not open already. */
  onOpen(): void;
  /** More of the request can be written. */
  onDrain(): void;
  /** 1xx, 101 excluded: nobody asked for that here. */
  onInterim(head: UpstreamHead): void;
  /** The whole response at once: small ones mostly are. The body is latin1 text. */
  onWhole(head: UpstreamHead, body: string): void;
  onHead(head: UpstreamHead): void;
  /** Returns whether the bytes are done with, so that their memory can be used again; if not, `resume()` has to be called. */
  onData(chunk: Buffer): boolean;
  /** What was read is handed over: a head without body should leave now. */
  onPause(): void;
  onEnd(trailers: readonly string[]): void;
  /** The target agreed to an upgrade: from now on bytes are only passed on. Without it, a 101 is an error. */
  onSwitch?(head: UpstreamHead): void;
  /** Like `onData`, of an upgraded connection. */
  onRaw?(chunk: Buffer): boolean;
  onRawEnd?(): void;
  /** `isStale`: the connection had been idle, and ended before any byte of a response. */
  onFailure(failure: CrosswireError, isStale: boolean): void;
}

/** What a connection needs of the pool that it belongs to. */
export interface Home {
  readonly target: ProxyTarget;
  readonly maxHeadBytes: number;
  /** It is free for the next exchange. */
  onFree(connection: Connection, keepAliveMs: number): void;
  onClosed(connection: Connection): void;
}

type State = "idle" | "head" | "body" | "raw" | "closed";

const READ_BUFFER_BYTES = 65_536;
/** Up to here a whole response is written as one string with its head, which saves a system call. */
const WHOLE_BYTES = 16_384;
/** SECURITY: they are passed on at once, so an endless row of them would fill the client's socket. */
const MAX_INTERIMS = 64;

export class Connection {
  readonly socket: Socket;
  isOpen = false;
  /** While idle: until when it may be taken for the next exchange. */
  idleUntil = 0;
  #home: Home;
  #state: State = "idle";
  #carried: Carried | undefined;
  #framing: Framing = "none";
  #left = 0;
  #chunks: ChunkScanner | undefined;
  #head: HeadBuffer;
  #interims = 0;
  #isReusable = false;
  #keepAliveMs = Infinity;
  #served = 0;
  #isPaused = false;
  /** HOT: one buffer for all reads of this connection: no allocation and no copy per chunk, benchmarks/proxy. */
  #buffer: Buffer | undefined;

  constructor(home: Home) {
    this.#home = home;
    this.#head = new HeadBuffer(home.maxHeadBytes);
    this.socket = dial(home.target, {
      // An end is seen by us first: most of them are failures, and some are the other half of a tunnel.
      allowHalfOpen: true,
      onread: {
        buffer: () => (this.#buffer ??= Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)),
        callback: (size, buffer) => this.#read(buffer as Buffer, size),
      },
    });
    this.socket.on("error", (error) => this.#onGone(error));
    this.socket.on("end", () => this.#onEnded());
    this.socket.on("close", () => this.#onGone());
    this.socket.on("drain", () => this.#carried?.onDrain());
    this.socket.once(readyEvent(home.target), () => {
      this.isOpen = true;
      this.#carried?.onOpen();
    });
  }

  get carried(): Carried | undefined {
    return this.#carried;
  }

  carry(exchange: Carried): void {
    this.#carried = exchange;
    this.#state = "head";
    this.#interims = 0;
    this.#isReusable = false;
    if (this.isOpen) exchange.onOpen();
  }

  /** The chunk that `onData` kept is written: reading goes on. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.socket.resume();
  }

  /** Ends the exchange, and with it the connection: what else comes would belong to nobody. */
  fail(failure: CrosswireError, isStale = false): void {
    const carried = this.#carried;
    this.#carried = undefined;
    this.close();
    carried?.onFailure(failure, isStale);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.socket.destroy();
    this.#home.onClosed(this);
  }

  /** Returns false to stop reading until `resume()`. */
  #read(buffer: Buffer, size: number): boolean {
    // SECURITY: bytes that nobody asked for would answer the next request.
    if (this.#carried === undefined) this.close();
    const carried = this.#carried;
    if (carried === undefined) return false;
    const isDone =
      this.#state === "head"
        ? this.#readHead(carried, buffer, size)
        : this.#readBody(carried, buffer, 0, size);
    if (isDone) return true;
    // A write that is under way still reads from this buffer.
    this.#buffer = undefined;
    if (this.#carried !== carried) return this.#state !== "closed";
    this.#isPaused = true;
    return false;
  }

  #readHead(carried: Carried, buffer: Buffer, size: number): boolean {
    let from = 0;
    for (;;) {
      const text = this.#head.take(buffer, from, size);
      if (text === undefined)
        return this.#head.trouble === undefined || this.#misspoke(this.#head.trouble);
      const head = readResponseHead(text, 0, carried.isHead);
      if (typeof head === "string") return this.#misspoke(head);
      from += this.#head.taken;
      if (head.status >= 200) return this.#startBody(carried, head, text, buffer, from, size);
      if (head.status === 101) return this.#switch(carried, head, buffer, from, size);
      if (head.length > 0) return this.#misspoke("an interim response with a body");
      if (++this.#interims > MAX_INTERIMS) return this.#misspoke("too many interim responses");
      carried.onInterim(head);
      if (this.#carried !== carried) return false;
    }
  }

  #switch(
    carried: Carried,
    head: UpstreamHead,
    buffer: Buffer,
    from: number,
    size: number,
  ): boolean {
    if (carried.onSwitch === undefined) return this.#misspoke("an upgrade that nobody asked for");
    this.#state = "raw";
    carried.onSwitch(head);
    return from === size || this.#readBody(carried, buffer, from, size);
  }

  #startBody(
    carried: Carried,
    head: UpstreamHead,
    text: string,
    buffer: Buffer,
    from: number,
    size: number,
  ): boolean {
    const rest = size - from;
    this.#isReusable = head.isReusable;
    this.#keepAliveMs = head.keepAliveMs;
    this.#framing = head.framing;
    this.#left = head.framing === "length" ? head.length : 0;
    this.#state = "body";
    const isWhole = head.framing === "none" || (head.framing === "length" && rest >= this.#left);
    if (isWhole && this.#left <= WHOLE_BYTES) {
      if (rest > this.#left) this.#isReusable = false;
      carried.onWhole(
        head,
        this.#head.following(this.#left) ?? buffer.toString("latin1", from, from + this.#left),
      );
      this.#finish([]);
      return true;
    }
    if (head.framing === "chunked") this.#chunks = new ChunkScanner();
    carried.onHead(head);
    if (this.#carried !== carried) return false;
    const isDone = rest === 0 || this.#readBody(carried, buffer, from, size);
    if (this.#carried === carried) carried.onPause();
    return isDone;
  }

  /** Returns whether the buffer can be used again. */
  #readBody(carried: Carried, buffer: Buffer, from: number, end: number): boolean {
    if (this.#state === "raw") return carried.onRaw?.(part(buffer, from, end)) ?? true;
    switch (this.#framing) {
      case "length": {
        const size = Math.min(this.#left, end - from);
        this.#left -= size;
        const isDone = carried.onData(part(buffer, from, from + size));
        if (this.#left > 0 || this.#carried !== carried) return isDone;
        if (end - from > size) this.#isReusable = false;
        this.#finish([]);
        return isDone;
      }
      case "chunked":
        return this.#readChunks(carried, buffer, from, end);
      default:
        return carried.onData(part(buffer, from, end));
    }
  }

  #readChunks(carried: Carried, buffer: Buffer, from: number, end: number): boolean {
    const chunks = (this.#chunks ??= new ChunkScanner());
    let isDone = true;
    const stop = chunks.scan(buffer, from, end, (start, stopAt) => {
      if (this.#carried === carried && !carried.onData(part(buffer, start, stopAt))) isDone = false;
    });
    if (this.#carried !== carried) return isDone;
    if (stop === -1) return this.#misspoke("a malformed chunked body");
    if (!chunks.isDone) return isDone;
    if (stop < end) this.#isReusable = false;
    this.#chunks = undefined;
    this.#finish(readTrailers(chunks.trailers));
    return isDone;
  }

  #finish(trailers: readonly string[]): void {
    const carried = this.#carried;
    if (carried === undefined) return;
    this.#carried = undefined;
    this.#state = "idle";
    this.#served++;
    if (this.#isReusable && carried.isSent) this.#home.onFree(this, this.#keepAliveMs);
    else this.close();
    carried.onEnd(trailers);
  }

  #misspoke(what: string): false {
    this.fail(misspoke(this.#home.target, what));
    return false;
  }

  #onEnded(): void {
    if (this.#state === "raw") return this.#carried?.onRawEnd?.();
    if (this.#state !== "body" || this.#framing !== "until-close") return this.#onGone();
    this.#isReusable = false;
    this.#finish([]);
  }

  #onGone(error?: Error): void {
    if (this.#state === "closed") return;
    const { target } = this.#home;
    const isUnanswered = this.#state === "head" && this.#head.isEmpty;
    const when = this.#state === "head" ? "before its response" : "in the middle of its response";
    const failure =
      this.isOpen || error === undefined
        ? brokeOff(target, when, error)
        : unreachable(target, error);
    this.fail(failure, isUnanswered && this.#served > 0);
  }
}

function part(buffer: Buffer, from: number, end: number): Buffer {
  return from === 0 && end === buffer.length ? buffer : buffer.subarray(from, end);
}
