// What a receiver does with one request that it is asked about: the handlers run, and what they say becomes a verdict.

import { internal } from "../../capture/context.ts";
import type { CallContext } from "../../channel/call-context.ts";
import { discard, type Outcome } from "../../exchange/outcome.ts";
import type { Fields } from "../../exchange/request.ts";
import type { Undo } from "../../lifetime.ts";
import { warn } from "../../node/diagnostics.ts";
import { Wakefulness } from "../../node/wakefulness.ts";
import { Asked } from "../asked-request.ts";
import { checkHead } from "../check-frames.ts";
import type { BodyItem, MaybeWithBytes, Verdict, WireBody, WireRequest } from "../cpri-ipc.ts";
import type { HandlerScopes } from "../handler-scopes.ts";
import { outcomeOf } from "../handlers/response-to-answer.ts";
import { OutgoingBody } from "../outgoing-body.ts";
import { bodyOf, enclose, open, ride } from "../wire-body.ts";
import { TrailedBody } from "../wire-trailers.ts";
import type { Monitor } from "./monitor.ts";
import { RequestLifetime } from "./request-lifetime.ts";
import type { Pickup } from "./pickup.ts";
import type { UnhandledStrategy } from "./unhandled.ts";

export interface AnsweringOptions {
  readonly scopes: HandlerScopes;
  readonly monitor: Monitor;
  readonly unhandled: () => UnhandledStrategy;
  /** Of answers whose bodies do not ride along. */
  readonly bodies: Pickup<AsyncIterableIterator<BodyItem>>;
  /** The body of a request, from its sender. */
  readonly requestBody: (senderId: string, id: string) => AsyncIterable<Uint8Array>;
}

const UNHANDLED: Outcome = { kind: "unhandled" };

export class Answering {
  #options: AnsweringOptions;
  /** An application often asks again as soon as it has got its answer. */
  #wakefulness = new Wakefulness();
  #nextCame: Undo | undefined;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  /** HOT: benchmarks/cpri, every row. */
  async answer(
    payload: MaybeWithBytes<WireRequest>,
    context: CallContext,
  ): Promise<MaybeWithBytes<Verdict>> {
    this.#stopAwaiting();
    try {
      return await this.#answer(payload, context);
    } finally {
      this.#stopAwaiting();
      this.#nextCame = this.#wakefulness.begin();
    }
  }

  async #answer(
    payload: MaybeWithBytes<WireRequest>,
    context: CallContext,
  ): Promise<MaybeWithBytes<Verdict>> {
    const { runtimeId: senderId = "" } = context;
    const { value: wire } = open(payload);
    checkHead("cpri/request", wire);
    const lifetime = new RequestLifetime(context);
    const request = this.#asked(payload, senderId, lifetime);
    let isStreamed = false;
    // What a handler sends itself is not for handlers.
    const outcome = await internal(() =>
      wire.isLast === true ? this.#last(request) : this.#decide(request, senderId),
    );
    const verdict = await this.#verdict(outcome, request, (rest, trailers) => {
      const seen = this.#options.monitor.streamed(request, senderId);
      const over = (isWhole: boolean): void => {
        if (!isWhole) lifetime.end();
        request.close();
        seen?.over(isWhole);
      };
      const outgoing = new OutgoingBody(rest, { piece: seen?.piece, over });
      const kept = trailers === undefined ? outgoing : new TrailedBody(outgoing, trailers);
      isStreamed = true;
      // Nobody comes for it where nobody waits any more.
      if (context.signal.aborted) kept.return().catch(() => {});
      else this.#options.bodies.keep(senderId, wire.id, kept);
    });
    if (!isStreamed) request.close();
    this.#options.monitor.answered(request, senderId, verdict);
    return verdict;
  }

  /** Of a request that another receiver has decided: only those who watch hear of it. */
  see(payload: MaybeWithBytes<WireRequest>, context: CallContext): void {
    const { runtimeId: senderId = "" } = context;
    checkHead("cpri/seen", open(payload).value);
    const request = this.#asked(payload, senderId, new RequestLifetime(context));
    this.#options.monitor.begin(request, senderId);
    this.#options.monitor.end(request, senderId);
  }

  #stopAwaiting(): void {
    this.#nextCame?.();
    this.#nextCame = undefined;
  }

  #asked(payload: MaybeWithBytes<WireRequest>, senderId: string, lifetime: RequestLifetime): Asked {
    const { value: head, bytes } = open(payload);
    const { id, body } = head;
    const stream = (): AsyncIterable<Uint8Array> => this.#options.requestBody(senderId, id);
    return new Asked({
      head,
      signal: () => lifetime.signal,
      body: body === undefined ? undefined : () => iterate(body, bytes, stream),
    });
  }

  async #decide(request: Asked, senderId: string): Promise<Outcome> {
    const { scopes, monitor } = this.#options;
    const seen = monitor.begin(request, senderId);
    const resolved = await scopes.resolve(request);
    const outcome = resolved === undefined ? UNHANDLED : outcomeOf(resolved);
    seen?.decided(outcome);
    // The client only sees a 500, which whoever wrote the handler may never look at.
    if (outcome.kind === "exception" && seen === undefined) {
      warn(outcome.error, `The handler ${resolved?.handler.label ?? ""}`);
    }
    monitor.end(request, senderId);
    return outcome;
  }

  #last(request: Asked): Promise<Outcome> {
    const { method, url, contextId } = request;
    const strategy = this.#options.unhandled();
    return strategy.decide(method, url, contextId, () => request.toRequest());
  }

  async #verdict(
    outcome: Outcome,
    { method }: Asked,
    keep: (rest: AsyncIterable<Uint8Array>, trailers: (() => Fields) | undefined) => void,
  ): Promise<MaybeWithBytes<Verdict>> {
    if (outcome.kind === "exception") return { kind: "exception", error: toError(outcome.error) };
    if (outcome.kind !== "respond") return outcome;
    const { trailers, body: given, status, statusText, headers } = outcome;
    // What nobody may get need not be sent.
    const isSent = method !== "HEAD" && status !== 204 && status !== 304;
    if (!isSent) discard(given);
    const { body, bytes, rest } = isSent ? await ride(given) : {};
    const late = rest !== undefined && typeof trailers === "function" ? trailers : undefined;
    if (rest !== undefined) keep(rest, late);
    const verdict: Verdict = {
      kind: "respond",
      status,
      headers,
      ...(statusText === undefined ? {} : { statusText }),
      ...(body === undefined ? {} : { body }),
      ...(isSent && trailers !== undefined ? { trailers: wireTrailers(trailers, late) } : {}),
    };
    return enclose(verdict, bytes);
  }
}

/** A function is asked when the body has ended: now, or by whoever streams it. */
function wireTrailers(
  trailers: Fields | (() => Fields),
  late: (() => Fields) | undefined,
): Fields | { readonly stream: true } {
  if (late !== undefined) return { stream: true };
  return typeof trailers === "function" ? trailers() : trailers;
}

async function* iterate(
  body: WireBody,
  bytes: Uint8Array | undefined,
  stream: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const ridden = bodyOf(body, bytes);
  if (ridden === undefined) yield* stream();
  else yield ridden;
}

/** Whatever was thrown, by code of whatever realm. */
function toError(thrown: unknown): { readonly name: string; readonly message: string } {
  const { name = "Error", message = thrown } = Object(thrown) as Record<keyof Error, unknown>;
  return { name: String(name), message: String(message) };
}
