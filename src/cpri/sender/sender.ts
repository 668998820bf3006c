// The catching end: what this process sends is caught, and whoever may want it is asked, one after the other: the
// owner of its context, the other receivers, the application's own handlers, and at last the network.

import { type Capture, startCapture } from "../../capture/capture.ts";
import { contextId as currentContext } from "../../capture/context.ts";
import type { CapturedRequest, RelayWebSocket } from "../../capture/decision.ts";
import { CrosswireError, isCrosswireError } from "../../errors.ts";
import type { Outcome } from "../../exchange/outcome.ts";
import type { Undo } from "../../lifetime.ts";
import { warn } from "../../node/diagnostics.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { MaybeWithBytes, WireRequest } from "../cpri-ipc.ts";
import type { Attachment } from "./attachment.ts";
import { Forwarding } from "./forwarding.ts";
import { Receivers } from "./receivers.ts";
import { type Decided, tellAbandoned, tellEnd } from "./telling.ts";
import { describe, headOf, readableByAll, ridingBody, wireOf } from "./wire-request.ts";

/** What becomes of requests that no handler answers while no receiver is attached. */
export type WhenUnattached = "passthrough" | "error";

export interface SenderOptions {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly name?: string | undefined;
  readonly whenUnattached?: WhenUnattached | undefined;
  /** How long a request waits for the receiver of its context. Those without a context never wait. */
  readonly holdMs?: number | undefined;
  /** Origins that a context goes along to. Without: those of this machine. */
  readonly forwardContextTo?: readonly string[] | undefined;
  readonly decisionTimeoutMs?: number | undefined;
}

/** Asked after the receivers. */
export interface OwnHandlers {
  mayMatch(method: string, url: string): boolean;
  /** Undefined: none of them wants it. */
  decide(request: CapturedRequest): Promise<Outcome | undefined>;
  /** Neither receivers nor own handlers wanted it. */
  unhandled(request: CapturedRequest): Outcome | Promise<Outcome>;
}

const HOLD_MS = 1_000;
const DECISION_TIMEOUT_MS = 30_000;
/** A receiver that is there says what it wants within this time, or is not waited for. */
const SETTLE_MS = 3_000;
const UNHANDLED: Outcome = { kind: "unhandled" };

export class Sender {
  #options: SenderOptions;
  #receivers: Receivers = new Receivers();
  #forwarding: Forwarding;
  /** The one that joined last comes first. */
  #own: readonly OwnHandlers[] = [];
  #capture: Capture | undefined;
  #hasWarned = false;
  /** Of the whole process: one application for each test. */
  #processContext: string | undefined = process.env["CROSSWIRE_CONTEXT"] || undefined;

  constructor(options: SenderOptions = {}) {
    this.#options = options;
    this.#forwarding = new Forwarding(options.forwardContextTo);
  }

  start(): void {
    const timeoutMs = this.#options.decisionTimeoutMs ?? DECISION_TIMEOUT_MS;
    this.#capture = startCapture({
      decide: (request) => this.#decide(request),
      decideWebSocket: (request) => this.#decideWebSocket(request),
      mayMatch: (method, url) => this.#mayMatch(method, url),
      onUnwanted: (method, url) => this.#unwanted(method, url),
      onUnseen: (method, url) => this.#unseen(method, url),
      decisionTimeoutMs: timeoutMs,
      sendsNothing: true,
    });
  }

  /** Looks for receivers from now on, if it did not already. */
  attach({ url = process.env["CROSSWIRE_URL"] || undefined, token, name }: SenderOptions): void {
    this.#receivers.start({ url, token, name });
  }

  adopt(own: OwnHandlers): Undo {
    this.#own = [own, ...this.#own];
    return () => void (this.#own = this.#own.filter((one) => one !== own));
  }

  async close(): Promise<void> {
    await this.#capture?.close();
    await this.#receivers.close();
  }

  /** HOT: benchmarks/cpri. What this says no to is not touched at all. */
  #mayMatch(method: string, url: string): boolean {
    const receivers = this.#receivers;
    if (receivers.isSettling || this.#own.some((own) => own.mayMatch(method, url))) return true;
    const contextId = currentContext() ?? this.#processContext;
    if (receivers.mayWant(method, url, contextId)) return true;
    if (contextId !== undefined && (receivers.isAwaited(contextId) || this.#sendsOn(url)))
      return true;
    const inCharge = receivers.inCharge(contextId);
    if (inCharge === undefined) return this.#options.whenUnattached === "error";
    return inCharge.wishes.unhandled === "ask";
  }

  /** Whether a context goes along with it. There are none for an application that no test can attach to. */
  #sendsOn(url: string): boolean {
    return this.#receivers.isStarted && this.#forwarding.goesTo(url);
  }

  #unwanted(method: string, url: string): void {
    const contextId = currentContext() ?? this.#processContext;
    const inCharge = this.#receivers.inCharge(contextId);
    if (inCharge?.wishes.unhandled !== "tell") return;
    inCharge.unhandled(describe(method, url, contextId));
  }

  /** An agent of undici 5 or 6 that was at work before: too late for it, but not silently. */
  #unseen(method: string, url: string): void {
    if (this.#hasWarned || !this.#mayMatch(method, url)) return;
    this.#hasWarned = true;
    const text = `${method} ${withoutQuery(url)} was not caught, because its undici agent was used before. Preload crosswire/register, or call listen() before anything is sent.`;
    process.emitWarning(text, { type: "CrosswireWarning" });
  }

  #decide(captured: CapturedRequest): Promise<Outcome> {
    const contextId = captured.contextId ?? this.#processContext;
    const asked = this.#askAll(readableByAll(captured), contextId);
    if (contextId === undefined || !this.#sendsOn(captured.url)) return asked;
    return asked.then((outcome) => this.#forwarding.sendOn(outcome, captured, contextId));
  }

  async #askAll(request: CapturedRequest, contextId: string | undefined): Promise<Outcome> {
    const startedAt = nodeClock.now();
    const asked: Attachment[] = [];
    const willing = await this.#willing(request, contextId);
    const riding = willing.length === 0 ? {} : await ridingBody(request);
    const wire = (): MaybeWithBytes<WireRequest> => wireOf(request, contextId, riding);
    const decided: Decided = { request, startedAt, willing, asked, wire };
    for (const attachment of willing) {
      const outcome = await this.#ask(attachment, request, wire(), startedAt);
      if (outcome === undefined) continue;
      asked.push(attachment);
      if (request.abandonment.aborted) {
        tellAbandoned(decided);
        return UNHANDLED;
      }
      if (outcome.kind !== "unhandled") return tellEnd(outcome, decided);
    }
    for (const own of this.#own) {
      const outcome = await own.decide(request);
      if (outcome !== undefined) return tellEnd(outcome, decided, "app");
    }
    return tellEnd(await this.#unhandled(request, contextId, startedAt), decided, "nobody");
  }

  async #decideWebSocket(request: CapturedRequest): Promise<Outcome | RelayWebSocket> {
    const contextId = request.contextId ?? this.#processContext;
    const head = headOf(request, contextId);
    for (const attachment of await this.#willing(request, contextId)) {
      try {
        if (!(await attachment.takesWebSocket(head))) continue;
        return { kind: "relay", onRelay: (relay) => void attachment.relay(request, relay) };
      } catch (error) {
        if (!isGone(error)) return { kind: "exception", error };
      }
    }
    return UNHANDLED;
  }

  /** Those to ask, in order. Waits for whoever may still come, as long as it has to. */
  async #willing(
    { method, url }: CapturedRequest,
    contextId: string | undefined,
  ): Promise<readonly Attachment[]> {
    const receivers = this.#receivers;
    if (receivers.isSettling) await receivers.until(() => !receivers.isSettling, SETTLE_MS);
    if (contextId !== undefined && receivers.isAwaited(contextId)) {
      const holdMs = this.#options.holdMs ?? HOLD_MS;
      await receivers.until(() => !receivers.isAwaited(contextId), holdMs);
      if (receivers.isAwaited(contextId)) receivers.giveUp(contextId);
    }
    return receivers.inOrder(method, url, contextId);
  }

  /** Undefined: it is gone, so the next one is asked. */
  async #ask(
    attachment: Attachment,
    request: CapturedRequest,
    wire: MaybeWithBytes<WireRequest>,
    startedAt: number,
  ): Promise<Outcome | undefined> {
    const timeoutMs = this.#options.decisionTimeoutMs ?? DECISION_TIMEOUT_MS;
    try {
      return await attachment.ask(request, wire, startedAt + timeoutMs);
    } catch (error) {
      if (request.abandonment.aborted) return UNHANDLED;
      if (isGone(error)) return undefined;
      return { kind: "exception", error };
    }
  }

  async #unhandled(
    request: CapturedRequest,
    contextId: string | undefined,
    startedAt: number,
  ): Promise<Outcome> {
    const { method, url } = request;
    // Only one decides; the next one where that is gone.
    for (const inCharge of this.#receivers.byCharge(contextId)) {
      const { unhandled } = inCharge.wishes;
      if (unhandled === "tell") inCharge.unhandled(describe(method, url, contextId));
      if (unhandled !== "ask") return UNHANDLED;
      const wire = wireOf(request, contextId, await ridingBody(request), true);
      const outcome = await this.#ask(inCharge, request, wire, startedAt);
      if (outcome !== undefined) return outcome;
    }
    const [own] = this.#own;
    if (own !== undefined) return own.unhandled(request);
    return this.#options.whenUnattached === "error" ? unattached(request) : UNHANDLED;
  }
}

/** What is told to people: a query may have secrets in it. */
function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "");
}

function isGone(error: unknown): boolean {
  return ["XW_CONNECTION_LOST", "XW_CLOSED", "XW_NOT_CONNECTED"].some((code) =>
    isCrosswireError(error, code as "XW_CLOSED"),
  );
}

function unattached({ method, url }: CapturedRequest): Outcome {
  const error = new CrosswireError(
    "XW_NOT_CONNECTED",
    `${method} ${withoutQuery(url)} was not sent: no test is attached that could answer it, and whenUnattached is "error".`,
  );
  warn(error, "a request of this process");
  return { kind: "error", code: "ECONNREFUSED", message: error.message };
}
