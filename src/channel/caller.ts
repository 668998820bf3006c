// The asking half of a channel: calls, messages and streams that start on this side.

import { CrosswireError, type ErrorCode } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import { type CallId, FRAME_TYPE, type Frame, idOf } from "../wire/frame.ts";
import { type Body, decodeReply, encodePayload, type Reply } from "../wire/payload.ts";
import { reviveFailure } from "../wire/remote-error.ts";
import { validate } from "../wire/schema.ts";
import type { Signal } from "./abort.ts";
import { assertRoom, assertSendable, type Link } from "./link.ts";
import { type ItemStream, OpenedStreams, type StreamOptions } from "./opened-streams.ts";
import { Pending, type Waiter } from "./pending.ts";

export interface CallOptions {
  /** Instead of the definition's or the default timeout. Infinity waits for as long as the connection lives. */
  readonly timeoutMs?: number;
  /** Rejects the call with the signal's reason and tells the handler; already aborted, nothing is sent. */
  readonly signal?: Signal;
  /**
   * The server runs its handler once per key and remembers the answer, so the call may be sent again after a
   * reconnect. Its memory ends with its process (and `limits.idempotencyKeyMs`).
   */
  readonly idempotencyKey?: string;
}

export class Caller {
  #link: Link;
  // Made when first needed: most connections of a server are never asked anything.
  #pendingCalls: Pending | undefined;
  #openedStreams: OpenedStreams | undefined;
  #lastId = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  get isIdle(): boolean {
    const calls = this.#pendingCalls?.size ?? 0;
    return calls === 0 && (this.#openedStreams?.size ?? 0) === 0;
  }

  /** HOT: benchmarks/run.ts. Rejects rather than throws, so that a caller has one place to catch. */
  call(definition: Definition, payload: unknown, options: CallOptions): Promise<unknown> {
    const { signal } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const body = this.#encode(definition, payload);
      if (this.#pending.size >= this.#link.limits.maxPendingCalls)
        throw this.#tooMany(definition.path);
      const timeoutMs =
        options.timeoutMs ?? definition.timeoutMs ?? this.#link.limits.callTimeoutMs;
      const id = ++this.#lastId;
      const waiter: Waiter = {
        definition,
        timeoutMs,
        dueAt: this.#link.clock.now() + timeoutMs,
        resolve,
        reject,
        ticket: 0,
        release: undefined,
      };
      this.#pending.add(id, waiter);
      if (signal !== undefined) {
        const aborted = (): void => this.#aborted(id, waiter, signal.reason);
        this.#pending.addSignal(id, waiter, signal, aborted);
      }
      const idField = this.#idField(id, timeoutMs, options.idempotencyKey);
      waiter.ticket = this.#link.outbox.postBody(
        FRAME_TYPE.request,
        idField,
        definition.path,
        body,
      );
      const start = this.#link.trace["request:start"];
      if (start.hasSubscribers) start.publish(this.#traced(id, definition.path));
    });
  }

  /** Throws when it cannot be sent; beyond that, nobody learns whether it arrived. */
  message(definition: Definition, payload: unknown): void {
    const body = this.#encode(definition, payload);
    this.#link.outbox.postBody(FRAME_TYPE.message, "", definition.path, body);
  }

  /** The same with a payload that was encoded once for many. */
  encodedMessage(path: string, body: Body): void {
    this.#link.owner.assertOpen(path);
    assertRoom(this.#link, JSON.stringify(path));
    assertSendable(this.#link, path, body);
    this.#link.outbox.postBody(FRAME_TYPE.message, "", path, body);
  }

  open(definition: Definition, payload: unknown, options: StreamOptions): ItemStream {
    this.#openedStreams ??= new OpenedStreams(this.#link);
    return this.#openedStreams.open(++this.#lastId, definition, payload, options);
  }

  /** An answer. One that nobody waits for (late, twice, or made up) is dropped. */
  response(frame: Frame, attachments: readonly Uint8Array[]): void {
    const id = idOf(frame.id);
    const waiter = this.#pending.take(id);
    if (waiter === undefined) return this.#link.dropped(frame, "no call waits for this answer");
    const error = this.#settle(waiter, frame, attachments);
    this.#ended(id, waiter, error);
  }

  /** A frame of a stream that this side opened; false when there is no such stream. */
  stream(frame: Frame, attachments: readonly Uint8Array[]): boolean {
    return this.#openedStreams?.receive(frame, attachments) ?? false;
  }

  /** The connection ended: every open question hears it at once. */
  rejectAll(code: ErrorCode, why: string): void {
    const peer = this.#link.peer;
    this.#pendingCalls?.rejectAll((waiter, id) => {
      const { path } = waiter.definition;
      const maybeDelivered = this.#link.outbox.hasLeft(waiter.ticket);
      const fate = maybeDelivered
        ? "It may have run there; only an idempotent request is safe to send again."
        : "It never left this process, so it is safe to send again.";
      const text = `${this.#asked(path)} got no answer: ${why} ${fate}`;
      const error = new CrosswireError(code, text, { path, peer, maybeDelivered });
      this.#ended(id, waiter, error);
      return error;
    });
    this.#openedStreams?.failAll(
      new CrosswireError(code, `The stream from ${peer} ended early: ${why}`, { peer }),
    );
  }

  get #pending(): Pending {
    this.#pendingCalls ??= new Pending(this.#link, (id, waiter) => this.#timedOut(id, waiter));
    return this.#pendingCalls;
  }

  #settle(waiter: Waiter, frame: Frame, attachments: readonly Uint8Array[]): unknown {
    const { definition, resolve, reject } = waiter;
    try {
      const reply = this.#decode(definition.path, frame, attachments);
      if (!reply.success) throw this.#failure(definition.path, reply);
      const { output } = definition;
      if (output === undefined) resolve(reply.data);
      else resolve(validate(output, reply.data, `The answer to ${this.#asked(definition.path)}`));
      return undefined;
    } catch (error) {
      reject(error);
      return error;
    }
  }

  #decode(path: string, frame: Frame, attachments: readonly Uint8Array[]): Reply {
    try {
      const { data, attributes } = frame;
      return decodeReply(data, attributes, attachments, this.#link.limits.maxDepth);
    } catch (cause) {
      const { code, message } = cause as CrosswireError;
      const text = `The answer to ${this.#asked(path)} cannot be read: ${message}`;
      throw new CrosswireError(code, text, { path, peer: this.#link.peer, cause });
    }
  }

  #encode(definition: Definition, payload: unknown): Body {
    const { path, codec } = definition;
    this.#link.owner.assertOpen(path);
    assertRoom(this.#link, JSON.stringify(path));
    const body = encodePayload(payload, codec, this.#link.limits.maxDepth);
    assertSendable(this.#link, path, body);
    return body;
  }

  /** The id with its attributes. The default timeout was told in the hello and is left out. */
  #idField(id: number, timeoutMs: number, key: string | undefined): string | number {
    const { limits, facts } = this.#link;
    if (timeoutMs === limits.callTimeoutMs && key === undefined) return id;
    if (!facts.extensions.has("attributes")) return id;
    const time = timeoutMs === limits.callTimeoutMs ? "" : `;t=${timeoutMs}`;
    return `${id}${time}${key === undefined ? "" : `;k=${encodeURIComponent(key)}`}`;
  }

  #timedOut(id: CallId, waiter: Waiter): void {
    const { path } = waiter.definition;
    this.#cancel(id);
    const text = `${this.#asked(path)} got no answer in ${waiter.timeoutMs} ms. ${this.#likelyCause()}`;
    const detail = { timeoutMs: waiter.timeoutMs };
    const error = new CrosswireError("XW_TIMEOUT", text, { path, peer: this.#link.peer, detail });
    waiter.reject(error);
    this.#ended(id, waiter, error);
  }

  #aborted(id: CallId, waiter: Waiter, reason: unknown): void {
    this.#cancel(id);
    waiter.reject(reason);
    this.#ended(id, waiter, reason);
  }

  /** After every settlement, whatever it was. */
  #ended(id: CallId, { definition }: Waiter, error: unknown): void {
    const sink = this.#link.trace["request:end"];
    if (sink.hasSubscribers) {
      const failure = error === undefined ? {} : { error };
      sink.publish({ ...this.#traced(id, definition.path), ...failure });
    }
    this.#link.owner.settled();
  }

  #likelyCause(): string {
    return this.#link.facts.identity === undefined
      ? "The other side never said hello: if it is not a Crosswire or base-protocol peer, the address is wrong."
      : "The connection is alive, so its handler is still running or never returns; pass a larger timeoutMs or look there.";
  }

  #cancel(id: CallId): void {
    if (!this.#link.facts.extensions.has("cancel")) return;
    this.#link.outbox.post(FRAME_TYPE.cancel, id, "", "");
  }

  #failure(path: string, reply: Reply): CrosswireError {
    return reviveFailure(reply.error, reply.err, {
      what: this.#asked(path),
      path,
      peer: this.#link.peer,
    });
  }

  #asked(path: string): string {
    return `Request ${JSON.stringify(path)} to ${this.#link.peer}`;
  }

  #tooMany(path: string): CrosswireError {
    const max = this.#link.limits.maxPendingCalls;
    return new CrosswireError(
      "XW_OVERLOADED",
      `${this.#asked(path)} was not sent: ${max} calls wait for an answer already. Wait for some, or raise limits.maxPendingCalls.`,
      { path, peer: this.#link.peer, detail: { limit: "maxPendingCalls", max } },
    );
  }

  #traced(id: CallId, path: string): { peer: string; path: string; id: CallId; side: "caller" } {
    return { peer: this.#link.peer, path, id, side: "caller" };
  }
}
