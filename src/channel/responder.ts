// The answering half of a channel: requests, messages and streams that start on the other side.

import { CrosswireError } from "../errors.ts";
import { attribute, type CallId, type Frame, idOf } from "../wire/frame.ts";
import { CallContext, type Caller } from "./call-context.ts";
import type { Registration } from "./handlers.ts";
import { Intake, Refusal } from "./intake.ts";
import type { Link } from "./link.ts";
import { Replies } from "./replies.ts";
import { ServedStream } from "./served-stream.ts";
import { Serving } from "./serving.ts";

export class Responder {
  #link: Link;
  #caller: Caller;
  #serving: Serving;
  #intake: Intake;
  #replies: Replies;
  #openStreams = 0;

  /** `caller` is what handlers learn about the other side. */
  constructor(link: Link, caller: Caller) {
    this.#link = link;
    this.#caller = caller;
    this.#serving = new Serving(link, (id, { path }, reason) => {
      this.#traceEnd(id, path, reason);
      link.owner.settled();
    });
    this.#intake = new Intake(link, this.#serving);
    this.#replies = new Replies(link);
  }

  get isIdle(): boolean {
    return this.#serving.size === 0;
  }

  /** From now on new calls are refused. */
  leave(): void {
    this.#intake.isLeaving = true;
  }

  /** HOT: benchmarks/run.ts. */
  request(frame: Frame, attachments: readonly Uint8Array[]): void {
    const id = idOf(frame.id);
    const { path } = frame;
    if (this.#intake.isRepeated(id)) return this.#link.dropped(frame, "this id was used before");
    const registration = this.#link.endpoint.handlers.answering("request", path);
    const refusal = this.#intake.refusal(path);
    if (refusal !== undefined) return this.#replies.failure(id, path, refusal);
    if (registration === undefined) return this.#replies.failure(id, path, this.#noHandler(path));
    const { clock, facts } = this.#link;
    const dueAt = this.#intake.dueAt(frame, facts.callTimeoutMs);
    const context = new CallContext(path, this.#caller, clock, dueAt);
    this.#serving.add(id, context);
    this.#traceStart(id, path);
    try {
      const result = this.#run(registration, frame, attachments, context);
      if (!(result instanceof Promise)) return this.#succeed(id, registration, result);
      result.then(
        (value) => this.#succeed(id, registration, value),
        (error) => this.#fail(id, path, error),
      );
    } catch (error) {
      this.#fail(id, path, error);
    }
  }

  /** Each listener gets the message; what one throws is reported, for there is no caller to tell. */
  message(frame: Frame, attachments: readonly Uint8Array[]): void {
    const listeners = this.#link.endpoint.handlers.messages(frame.path);
    if (listeners === undefined) return this.#link.dropped(frame, "nobody listens on this path");
    const context = new CallContext(frame.path, this.#caller, this.#link.clock, Infinity);
    for (const listener of [...listeners]) {
      try {
        const result = this.#handle(listener, frame, attachments, context);
        if (result instanceof Promise) result.catch((error) => this.#messageFailed(frame, error));
      } catch (error) {
        this.#messageFailed(frame, error);
      }
    }
  }

  open(frame: Frame, attachments: readonly Uint8Array[]): void {
    const id = idOf(frame.id);
    const { path } = frame;
    if (this.#intake.isRepeated(id)) return this.#link.dropped(frame, "this id was used before");
    const registration = this.#link.endpoint.handlers.answering("stream", path);
    const refusal = this.#intake.refusal(path) ?? this.#tooManyStreams(path);
    if (refusal !== undefined) return this.#replies.end(id, { error: refusal });
    if (registration === undefined) {
      return this.#replies.end(id, { error: this.#noHandler(path) });
    }
    const dueAt = this.#intake.dueAt(frame, Infinity);
    const stream = new ServedStream(this.#link, id, frame, registration, this.#caller, dueAt);
    this.#openStreams++;
    this.#serving.add(id, stream);
    this.#traceStart(id, path);
    void this.#runStream(id, stream, registration, frame, attachments);
  }

  /** A frame of a stream that this side serves; false when there is no such stream. */
  stream(frame: Frame, attachments: readonly Uint8Array[]): boolean {
    const served = this.#serving.get(idOf(frame.id));
    return served instanceof ServedStream && served.receive(frame, attachments);
  }

  cancel(frame: Frame): void {
    const reason = new CrosswireError("XW_CANCELLED");
    if (this.#serving.cancel(idOf(frame.id), reason)) return;
    this.#link.dropped(frame, "nothing to cancel");
  }

  cancelAll(reason: CrosswireError): void {
    this.#serving.cancelAll(reason);
  }

  #run(
    registration: Registration,
    frame: Frame,
    attachments: readonly Uint8Array[],
    context: CallContext,
  ): unknown {
    const handle = (): unknown => this.#handle(registration, frame, attachments, context);
    const { answers } = this.#link.endpoint;
    const key = this.#keyOf(frame);
    if (key === undefined) return handle();
    context.outlivesConnection = true;
    return answers.once(key, handle, () => context.isCancelled);
  }

  /** SECURITY: a key counts for the process that chose it, so that no other is given its answers. */
  #keyOf({ path, attributes }: Frame): string | undefined {
    const key = attributes === "" ? undefined : attribute(attributes, "k");
    return key === undefined
      ? undefined
      : `${this.#link.facts.identity?.instanceId}:${path}:${key}`;
  }

  #handle(
    registration: Registration,
    frame: Frame,
    attachments: readonly Uint8Array[],
    context: CallContext,
  ): unknown {
    const payload = this.#intake.payload(registration.definition, frame, attachments);
    return payload instanceof Promise
      ? payload.then((value) => registration.handle(value, context))
      : registration.handle(payload, context);
  }

  async #runStream(
    id: CallId,
    stream: ServedStream,
    { definition }: Registration,
    frame: Frame,
    attachments: readonly Uint8Array[],
  ): Promise<void> {
    try {
      await stream.run(await this.#intake.payload(definition, frame, attachments));
      if (this.#finish(id, frame.path)) this.#replies.end(id);
    } catch (error) {
      if (this.#finish(id, frame.path, error)) this.#replies.end(id, { error });
    } finally {
      this.#openStreams--;
      stream.finish();
    }
  }

  #succeed(id: CallId, { definition }: Registration, value: unknown): void {
    try {
      const body = this.#replies.encode(definition, value);
      if (this.#finish(id, definition.path)) this.#replies.result(id, definition.path, body);
    } catch (error) {
      this.#fail(id, definition.path, error);
    }
  }

  #fail(id: CallId, path: string, error: unknown): void {
    if (this.#finish(id, path, error)) this.#replies.failure(id, path, error);
  }

  /** False when nobody waits any more. */
  #finish(id: CallId, path: string, error?: unknown): boolean {
    const isWaitedFor = this.#serving.finish(id);
    if (isWaitedFor) this.#traceEnd(id, path, error);
    this.#link.owner.settled();
    return isWaitedFor;
  }

  #noHandler(path: string): Refusal {
    const { handlers } = this.#link.endpoint;
    const known = `It has request handlers for ${handlers.describe("request")}, stream handlers for ${handlers.describe("stream")}`;
    const text = `there is no handler for ${JSON.stringify(path)}. ${known}. Register it before it is called.`;
    return new Refusal(new CrosswireError("XW_NO_HANDLER", text, { path }));
  }

  #tooManyStreams(path: string): Refusal | undefined {
    const { maxStreams } = this.#link.limits;
    if (this.#openStreams < maxStreams) return undefined;
    const text = `limits.maxStreams (${maxStreams}) streams of this connection are open already.`;
    return new Refusal(new CrosswireError("XW_OVERLOADED", text, { path }));
  }

  #messageFailed(frame: Frame, error: unknown): void {
    if (error instanceof Refusal) return this.#link.dropped(frame, error.message);
    const where = `the handler of message ${JSON.stringify(frame.path)} from ${this.#link.peer}`;
    this.#link.endpoint.report(error, where);
  }

  #traceStart(id: CallId, path: string): void {
    const start = this.#link.trace["request:start"];
    if (!start.hasSubscribers) return;
    start.publish({ peer: this.#link.peer, path, id, side: "handler" });
  }

  #traceEnd(id: CallId, path: string, error?: unknown): void {
    const end = this.#link.trace["request:end"];
    if (!end.hasSubscribers) return;
    const failure = error === undefined ? {} : { error };
    end.publish({ peer: this.#link.peer, path, id, side: "handler", ...failure });
  }
}
