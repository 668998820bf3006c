// One conversation over one transport. Every incoming frame is dispatched in this file:
// what the other side asks goes to the responder, what it answers to the caller.

import type { CrosswireError } from "../errors.ts";
import { splitBinary } from "../wire/binary-frame.ts";
import { decodeFrame, forEachMessage, FRAME_TYPE, type Frame } from "../wire/frame.ts";
import { parseJson, stringifyJson } from "../wire/json.ts";
import type { Caller as CallerIdentity } from "./call-context.ts";
import { Caller } from "./caller.ts";
import type { Timer } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  closedHere,
  describeClose,
  type Ending,
  leaving,
  lost,
  malformedFrame,
  saidNoHello,
} from "./closing.ts";
import { traceFrame } from "./frame-trace.ts";
import { Heartbeat, type HeartbeatOwner } from "./heartbeat.ts";
import { HELLO_PATH, type Identity, ownHello, readHello } from "./hello.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Link, type LinkOwner } from "./link.ts";
import type { Outbox } from "./outbox.ts";
import { Responder } from "./responder.ts";
import { CLOSE_CODE, type CloseReason, type IncomingFrame, type Transport } from "./transport.ts";

export interface ChannelOptions {
  /** Whether the other side is known to say hello. Without, it is spoken to in the base protocol. */
  readonly expectsHello: boolean;
  /** Says hello only when the other side did: who then hears it knows that it is known here. */
  readonly answersHello: boolean;
  /** Keeps what follows the hello back until `release()`, so that handlers can be registered first. */
  readonly holdsAfterHello: boolean;
  /** Who the other side is, in words. */
  readonly peer: string;
  /** What handlers learn about the other side. */
  readonly caller: CallerIdentity;
}

const NO_ATTACHMENTS: readonly Uint8Array[] = [];
/** A WebSocket close reason holds 123 bytes. */
const MAX_REASON_LENGTH = 40;

export class Channel implements LinkOwner, HeartbeatOwner {
  #life = new Lifecycle();
  /** Who the other side says it is, undefined for a base peer; rejects when it ends before its hello. */
  readonly ready: Promise<Identity | undefined> = this.#life.ready;
  /** Resolves when the transport is gone. */
  readonly closed: Promise<CloseReason> = this.#life.closed;
  readonly caller: Caller;
  readonly outbox: Outbox;
  #transport: Transport;
  #options: ChannelOptions;
  #link: Link;
  #responder: Responder;
  #heartbeat: Heartbeat;
  #helloTimer: Timer;
  #held: IncomingFrame[] | undefined;

  constructor(transport: Transport, endpoint: Endpoint, options: ChannelOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#link = new Link(transport, endpoint, options.peer, this);
    this.outbox = this.#link.outbox;
    this.caller = new Caller(this.#link);
    this.#responder = new Responder(this.#link, options.caller);
    this.#heartbeat = new Heartbeat(this.#link, this);
    this.#start();
  }

  get isOpen(): boolean {
    return this.#life.state === "open";
  }

  /** Why it ended, or is ending. */
  get closeError(): CrosswireError | undefined {
    return this.#life.error;
  }

  /** Delivers what was held back since the hello, in order, and holds no more. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.#receiveSafely(frame);
  }

  /** Takes no new calls, lets those in flight settle for up to `graceMs`, then closes. */
  async close(code: number, reason: string, graceMs: number): Promise<void> {
    if (this.isOpen) this.#leave(reason);
    if (!this.#isIdle && graceMs > 0) await this.#life.idleWithin(graceMs, this.#link.clock);
    if (!this.#life.isOver) {
      this.outbox.flush();
      this.#settleAll(closedHere(this.#link.peer, reason), "this side closed the connection.");
      this.#transport.close(code, reason);
    }
    await this.closed;
  }

  /** Ends at once, with the error that open and later calls get. */
  end({ error, closeCode }: Ending): void {
    if (this.#life.isOver) return;
    this.outbox.flush();
    this.#settleAll(error, error.message);
    this.#transport.close(closeCode, error.message.slice(0, MAX_REASON_LENGTH));
  }

  /** Ends where a polite close would wait forever: the other side does not read any more. */
  abandon(ending: Ending): void {
    this.end(ending);
    const { message } = ending.error;
    this.#transport.terminate({ code: ending.closeCode, reason: message });
  }

  ping(): void {
    if (this.#link.facts.extensions.has("ping")) this.outbox.post(FRAME_TYPE.ping, "", "", "");
    else this.#transport.ping?.();
  }

  assertOpen(path: string): void {
    this.#life.assertOpen(path, this.#link.peer);
  }

  settled(): void {
    if (this.#life.isIdlenessAwaited && this.#isIdle) this.#life.becameIdle();
  }

  #start(): void {
    const { clock, limits, peer } = this.#link;
    this.#transport.open({
      frame: (frame) => this.#receiveSafely(frame),
      alive: () => this.#heartbeat.heard(),
      drain: () => this.outbox.drained(),
      close: (reason) => this.#ended(reason),
    });
    if (!this.#options.expectsHello) return this.#opened(undefined);
    if (!this.#options.answersHello) this.#sayHello();
    const giveUp = (): void => this.end(saidNoHello(peer, limits));
    this.#helloTimer = clock.setTimer(giveUp, limits.helloTimeoutMs);
  }

  /** A bug met while reading costs this conversation, not the process, and its calls hear of it. */
  #receiveSafely(frame: IncomingFrame): void {
    try {
      this.#receive(frame);
    } catch (error) {
      this.#link.endpoint.report(error, `reading a frame of ${this.#link.peer}`);
      this.#malformed(String(error));
    }
  }

  #receive(frame: IncomingFrame): void {
    if (this.#held !== undefined) return void this.#held.push(frame);
    if (this.#life.isOver) return;
    this.#heartbeat.heard();
    traceFrame(this.#link, "frame:in", frame);
    if (typeof frame !== "string") {
      const split = splitBinary(frame);
      if (typeof split === "string") return this.#malformed(split);
      this.#dispatch(split.frame, split.attachments);
    } else if (this.outbox.joins && frame.includes("\n")) {
      forEachMessage(frame, (text) => this.#receiveText(text));
    } else {
      this.#receiveText(frame);
    }
  }

  #receiveText(text: string): void {
    // The message before this one, in the same frame, may have been the hello, or have ended the conversation.
    if (this.#held !== undefined) return void this.#held.push(text);
    if (this.#life.isOver) return;
    const frame = decodeFrame(text, this.#link.facts.extensions.has("attributes"));
    if (typeof frame === "string") return this.#malformed(frame);
    this.#dispatch(frame, NO_ATTACHMENTS);
  }

  #dispatch(frame: Frame, attachments: readonly Uint8Array[]): void {
    if (this.#life.state === "opening" && frame.path !== HELLO_PATH) {
      return this.#malformed(`type "${frame.type}" before the hello`);
    }
    switch (frame.type) {
      case FRAME_TYPE.response:
        return this.caller.response(frame, attachments);
      case FRAME_TYPE.request:
        return this.#responder.request(frame, attachments);
      case FRAME_TYPE.message:
        if (frame.path === HELLO_PATH) return this.#helloCame(frame);
        return this.#responder.message(frame, attachments);
      default:
        if (this.#link.facts.identity !== undefined)
          return this.#dispatchExtension(frame, attachments);
        this.#malformed(`type "${frame.type}" of an extension that was not announced`);
    }
  }

  #dispatchExtension(frame: Frame, attachments: readonly Uint8Array[]): void {
    switch (frame.type) {
      case FRAME_TYPE.open:
        return this.#responder.open(frame, attachments);
      case FRAME_TYPE.cancel:
        return this.#responder.cancel(frame);
      case FRAME_TYPE.item:
      case FRAME_TYPE.end:
      case FRAME_TYPE.uploadCredit:
      case FRAME_TYPE.uploadStop:
        return this.#toStream(this.caller, frame, attachments);
      case FRAME_TYPE.upload:
      case FRAME_TYPE.uploadEnd:
      case FRAME_TYPE.credit:
        return this.#toStream(this.#responder, frame, attachments);
      case FRAME_TYPE.ping:
        return void this.outbox.post(FRAME_TYPE.pong, "", "", "");
      case FRAME_TYPE.goAway:
        return this.#otherSideLeaves(frame);
      default: // A pong: having been heard is all it is for.
    }
  }

  #toStream(end: Caller | Responder, frame: Frame, attachments: readonly Uint8Array[]): void {
    if (!end.stream(frame, attachments)) this.#link.dropped(frame, "no such stream");
  }

  #helloCame(frame: Frame): void {
    if (!this.#options.expectsHello || this.#link.facts.identity !== undefined) {
      return this.#link.dropped(frame, "an unexpected hello");
    }
    this.#stopWaitingForHello();
    try {
      this.#link.facts = readHello(parseJson(frame.data, this.#link.limits.maxDepth));
    } catch (error) {
      return this.end({ error: error as CrosswireError, closeCode: CLOSE_CODE.version });
    }
    if (this.#options.answersHello) this.#sayHello();
    this.#opened(this.#link.facts.identity);
  }

  #sayHello(): void {
    const { endpoint, clock, limits } = this.#link;
    const hello = ownHello(endpoint.identity, limits, clock.isPaused());
    this.outbox.post(FRAME_TYPE.message, "", HELLO_PATH, stringifyJson(hello));
  }

  #stopWaitingForHello(): void {
    this.#link.clock.clearTimer(this.#helloTimer);
    this.#helloTimer = undefined;
  }

  #opened(identity: Identity | undefined): void {
    this.outbox.joins = this.#link.facts.extensions.has("join");
    if (this.#options.holdsAfterHello) this.#held = [];
    const { trace, peer } = this.#link;
    if (trace["peer:open"].hasSubscribers) trace["peer:open"].publish({ peer });
    this.#life.opened(identity);
  }

  #malformed(what: string): void {
    this.end(malformedFrame(this.#link.peer, what));
  }

  #leave(reason: string): void {
    this.#life.leave(closedHere(this.#link.peer, reason));
    this.#responder.leave();
    if (this.#link.facts.extensions.has("leave")) {
      this.outbox.post(FRAME_TYPE.goAway, "", "", stringifyJson({ reason }));
    }
  }

  /** Calls in flight are still answered; new ones would be refused there, so they are refused here. */
  #otherSideLeaves(frame: Frame): void {
    if (!this.isOpen) return;
    this.#life.leave(leaving(this.#link.peer, frame.data.slice(0, MAX_REASON_LENGTH)));
  }

  get #isIdle(): boolean {
    return this.caller.isIdle && this.#responder.isIdle;
  }

  #ended(reason: CloseReason): void {
    const { trace, peer } = this.#link;
    if (!this.#life.isOver) this.#settleAll(lost(peer, reason), describeClose(reason));
    const sink = trace["peer:close"];
    if (sink.hasSubscribers) sink.publish({ peer, code: reason.code, reason: reason.reason });
    this.#life.ended(reason);
  }

  #settleAll(error: CrosswireError, why: string): void {
    this.#life.close(error);
    this.#stopWaitingForHello();
    this.#heartbeat.stop();
    this.outbox.close();
    this.caller.rejectAll(error.code, why);
    this.#responder.cancelAll(error);
    this.#life.becameIdle();
  }
}
