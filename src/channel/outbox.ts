// What leaves: frames are built, the small ones of one turn joined, and what is unsent bounded.

import type { Limits } from "../limits.ts";
import type { TraceSinks } from "../trace.ts";
import { lengthsOf } from "../wire/binary-frame.ts";
import { encodeFrame, type FrameType } from "../wire/frame.ts";
import type { Body } from "../wire/payload.ts";
import type { Clock } from "./clock.ts";
import { type Ending, unread } from "./closing.ts";
import { traceFrame } from "./frame-trace.ts";
import type { OutgoingFrame, Transport } from "./transport.ts";

/** Joining saves a system call per message; a large message gains nothing and pays for the copy. */
const JOIN_MAX_MESSAGE_LENGTH = 4 * 1024;
const JOIN_MIN_FRAME_LENGTH = 1536;
const JOIN_MAX_FRAME_LENGTH = 32 * 1024;
/** After so many turns with one message each, the next one is not expected to get company and goes at once. */
const QUIET_TURNS = 4;
/** Streams stop producing above this many unsent bytes, so that calls are not stuck behind them. */
const STREAM_ROOM_BYTES = 1024 * 1024;
/** The ticket of what was posted too late. */
const NEVER = Infinity;

/** The part of a link that an outbox needs. */
export interface OutboxLink {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly trace: TraceSinks;
  readonly peer: string;
  readonly owner: { abandon(ending: Ending): void };
}

export class Outbox {
  /** Set after the hello: may several messages share a frame? */
  joins = false;
  #link: OutboxLink;
  #transport: Transport;
  /** Texts waiting for the end of the turn, already joined. */
  #waiting = "";
  #joinLength = JOIN_MIN_FRAME_LENGTH;
  #posted = 0;
  #flushed = 0;
  /** Small messages posted in this turn. */
  #inTurn = 0;
  #quietTurns = QUIET_TURNS;
  #isClosed = false;
  #isCongested = false;
  #roomWaiters: (() => void)[] = [];
  #endTurn = (): void => {
    this.#quietTurns = this.#inTurn === 1 ? this.#quietTurns + 1 : 0;
    this.#inTurn = 0;
    this.#joinLength = JOIN_MIN_FRAME_LENGTH;
    this.flush();
  };

  constructor(transport: Transport, link: OutboxLink) {
    this.#transport = transport;
    this.#link = link;
  }

  /** Whether new sends must be refused. Looks again while congested, so that it ends by itself. */
  get isCongested(): boolean {
    if (this.#isCongested) this.#isCongested = this.#buffered > this.#link.limits.softQueueBytes;
    return this.#isCongested;
  }

  /**
   * Posts text. Returns a ticket for `hasLeft()`.
   *
   * HOT: benchmarks/run.ts, every row. String concatenation builds a rope that is flattened once, on sending.
   */
  post(type: FrameType, idField: string | number, path: string, data: string): number {
    if (this.#isClosed) return NEVER;
    const text = encodeFrame(type, idField, path, data);
    if (!this.joins || text.length > JOIN_MAX_MESSAGE_LENGTH) return this.#sendNow(text);
    const isFirst = this.#inTurn++ === 0;
    if (isFirst) this.#link.clock.defer(this.#endTurn);
    if (isFirst && this.#quietTurns >= QUIET_TURNS) return this.#sendNow(text);
    this.#waiting = this.#waiting === "" ? text : `${this.#waiting}\n${text}`;
    this.#posted++;
    if (this.#waiting.length > this.#joinLength) this.#flushEarly();
    return this.#posted;
  }

  /** Posts a payload with its attributes: as text, or as a binary frame when it holds bytes. */
  postBody(type: FrameType, idField: string | number, path: string, body: Body): number {
    const { data, attachments, rich } = body;
    const codec = rich ? `${idField};c=rich` : idField;
    if (attachments.length === 0) return this.post(type, codec, path, data);
    const head = encodeFrame(type, `${codec};b=${lengthsOf(attachments)}`, path, data);
    return this.#sendNow({ head, attachments });
  }

  /** Whether the frame of this ticket was handed to the transport, and so may have been delivered. */
  hasLeft(ticket: number): boolean {
    return ticket <= this.#flushed;
  }

  flush(): void {
    if (this.#waiting === "" || this.#isClosed) return;
    const text = this.#waiting;
    this.#waiting = "";
    this.#handUpTo(this.#posted, text);
  }

  /** Resolves when a stream may send its next item. */
  room(): Promise<void> | undefined {
    if (this.#isClosed || this.#buffered <= STREAM_ROOM_BYTES) return undefined;
    this.flush();
    return new Promise((resolve) => this.#roomWaiters.push(resolve));
  }

  drained(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const wake of waiters) wake();
  }

  /** What is still waiting never left: `hasLeft()` of it stays false. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = "";
    this.drained();
  }

  get #buffered(): number {
    return this.#transport.bufferedBytes + this.#waiting.length;
  }

  /** Large or binary: after what waits already, so that the order holds. */
  #sendNow(frame: OutgoingFrame): number {
    if (this.#isClosed) return NEVER;
    this.flush();
    const ticket = ++this.#posted;
    return this.#handUpTo(ticket, frame) ? ticket : NEVER;
  }

  #flushEarly(): void {
    this.#joinLength = Math.min(2 * this.#joinLength, JOIN_MAX_FRAME_LENGTH);
    this.flush();
  }

  /** Noted before it is done: what happens while it is handed over must not take it for unsent. */
  #handUpTo(ticket: number, frame: OutgoingFrame): boolean {
    const before = this.#flushed;
    this.#flushed = ticket;
    if (this.#hand(frame)) return true;
    this.#flushed = before;
    return false;
  }

  /** False when the transport dropped it. */
  #hand(frame: OutgoingFrame): boolean {
    const { limits } = this.#link;
    traceFrame(this.#link, "frame:out", frame);
    if (!this.#transport.send(frame)) return false;
    const buffered = this.#transport.bufferedBytes;
    this.#isCongested = buffered > limits.softQueueBytes;
    if (buffered > limits.hardQueueBytes && !this.#isClosed) this.#overflowed(buffered);
    return true;
  }

  #overflowed(bufferedBytes: number): void {
    const { owner, peer, limits } = this.#link;
    owner.abandon(unread(peer, bufferedBytes, limits));
  }
}
