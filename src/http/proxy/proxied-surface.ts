// The surface that passes requests on: asks where to, sees them through what can go wrong, and says what came of it.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CrosswireError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { ForwardOptions, ProxyEngine, ProxyOutcome } from "../engine/engine.ts";
import type { ProxyTarget } from "../engine/target.ts";
import type { Surface } from "../front.ts";
import { type answerUnavailable, refuseFailed } from "./failure-answer.ts";
import { localized } from "./fallback.ts";
import { Readiness } from "./readiness.ts";
import type { Destination, Routing } from "./routing.ts";
import type { Passage, Traffic } from "./traffic.ts";

const NO_OPTIONS: ForwardOptions = {};

/** Sends the request to a target: once, or again while nothing of it was used up. */
type Attempt = (target: ProxyTarget, options: ForwardOptions) => Promise<ProxyOutcome>;

export interface ProxiedSettings {
  readonly routing: Routing;
  readonly engine: ProxyEngine;
  readonly traffic: Traffic;
  readonly limits: Limits;
  /** Tells the client why there is no answer; returns the status that it told. */
  readonly answerFailure: typeof answerUnavailable;
  /** SECURITY: the token of this front is no business of the servers behind it. */
  readonly token: string;
  /** Whether requests wait for an application that is not there. */
  readonly holds: boolean;
}

export class ProxiedSurface implements Surface {
  #settings: ProxiedSettings;
  #readiness = new Map<string, Readiness>();
  #isClosed = false;

  constructor(settings: ProxiedSettings) {
    this.#settings = settings;
  }

  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const destination = this.#settings.routing.choose(request);
    if (destination === undefined) return false;
    this.#answer(request, response, destination);
    return true;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const destination = this.#settings.routing.choose(request);
    if (destination === undefined) return false;
    void this.#upgrade(request, socket, head, destination);
    return true;
  }

  /** Whether the application answers now; undefined when there is none of this name. */
  async isReachable(app: string): Promise<boolean | undefined> {
    const destination = this.#settings.routing.apps.find((known) => known.app === app);
    return destination && this.#readinessOf(destination).check();
  }

  close(): void {
    this.#isClosed = true;
    for (const readiness of this.#readiness.values()) readiness.close();
  }

  /** HOT: no async function where nothing is down, and what is only needed then is only made then, benchmarks/proxy. */
  #answer(request: IncomingMessage, response: ServerResponse, destination: Destination): void {
    const { traffic, engine } = this.#settings;
    const passage = traffic.start("http", request, destination);
    const options = this.#optionsFor(request, destination);
    const target = targetOf(passage, destination);
    void engine.request(request, response, target, options).then((outcome) => {
      if (isDown(outcome)) return this.#answerInstead(outcome, passage, response, options);
      this.#noteUp(outcome, destination);
      return this.#end(passage, response, outcome);
    });
  }

  async #answerInstead(
    outcome: ProxyOutcome,
    passage: Passage,
    response: ServerResponse,
    options: ForwardOptions,
  ): Promise<void> {
    const { request, destination } = passage;
    const attempt: Attempt = (target, changed) =>
      this.#settings.engine.request(request, response, target, changed);
    const hold = (): Promise<boolean> => this.#hold(response, destination);
    this.#end(passage, response, await this.#instead(outcome, passage, options, attempt, hold));
  }

  #end(passage: Passage, response: ServerResponse, outcome: ProxyOutcome): void {
    const { traffic, answerFailure } = this.#settings;
    const { request, destination } = passage;
    const { status, failure } = outcome;
    const isUnanswered = status === 0 && failure !== undefined;
    const told = isUnanswered ? answerFailure(request, response, failure, destination) : status;
    traffic.end(passage, outcome, told);
  }

  async #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    destination: Destination,
  ): Promise<void> {
    const { traffic, engine } = this.#settings;
    const passage = traffic.start("websocket", request, destination);
    const attempt: Attempt = (target, options) =>
      engine.upgrade(request, socket, head, target, options);
    const options = this.#optionsFor(request, destination);
    let outcome = await attempt(targetOf(passage, destination), options);
    // Who opens a WebSocket tries again by itself; an answer now serves it better than one later.
    const hold = (): Promise<boolean> => Promise.resolve(false);
    if (isDown(outcome)) outcome = await this.#instead(outcome, passage, options, attempt, hold);
    else this.#noteUp(outcome, destination);
    const { status, failure } = outcome;
    const told = status === 0 && failure !== undefined ? refuseFailed(socket, failure) : status;
    traffic.end(passage, outcome, told);
  }

  /**
   * The application is down. A deployed one answers in its place; where there is none, or it is not there either, or the
   * application is known to be starting, it is waited for.
   */
  async #instead(
    first: ProxyOutcome,
    passage: Passage,
    options: ForwardOptions,
    attempt: Attempt,
    hold: () => Promise<boolean>,
  ): Promise<ProxyOutcome> {
    const { destination } = passage;
    const { fallback, isExpected = false, isDeployed = false } = destination;
    if (isDeployed) return first;
    const askDeployed = (): Promise<ProxyOutcome> => this.#askDeployed(passage, options, attempt);
    let last = first;
    if (fallback !== undefined && !isExpected) last = withBoth(first, await askDeployed());
    if (!isDown(last)) return last;
    passage.isFallback = false;
    targetOf(passage, destination);
    if (this.#settings.holds && (await this.#isWorthIt(passage, hold))) {
      const second = await attempt(targetOf(passage, destination), options);
      this.#noteUp(second, destination);
      if (!isDown(second)) return second;
    }
    return fallback !== undefined && isExpected ? withBoth(first, await askDeployed()) : last;
  }

  async #askDeployed(
    passage: Passage,
    options: ForwardOptions,
    attempt: Attempt,
  ): Promise<ProxyOutcome> {
    const fallback = passage.destination.fallback as ProxyTarget;
    passage.isFallback = true;
    passage.target = fallback.url;
    return attempt(fallback, { ...options, editResponse: localized(fallback) });
  }

  async #isWorthIt(passage: Passage, hold: () => Promise<boolean>): Promise<boolean> {
    const since = nodeClock.now();
    const isWorthIt = await hold();
    const heldMs = Math.round(nodeClock.now() - since);
    if (heldMs > 0) passage.heldMs = heldMs;
    return isWorthIt;
  }

  #noteUp({ status }: ProxyOutcome, { app, isDeployed }: Destination): void {
    if (status === 0 || isDeployed === true || this.#readiness.size === 0) return;
    this.#readiness.get(app)?.noteUp();
  }

  #optionsFor(
    { headers }: IncomingMessage,
    { path, isDeployed, target }: Destination,
  ): ForwardOptions {
    const hasOurToken = this.#isOurToken(headers.authorization);
    if (path === undefined && !hasOurToken && isDeployed !== true) return NO_OPTIONS;
    return {
      ...(isDeployed === true ? { editResponse: localized(target()) } : {}),
      ...(path === undefined ? {} : { path }),
      ...(hasOurToken ? { setFields: { Authorization: undefined } } : {}),
    };
  }

  #isOurToken(authorization: string | undefined): boolean {
    if (authorization === undefined) return false;
    return /^Bearer +(\S+)$/i.exec(authorization)?.[1] === this.#settings.token;
  }

  /** Whether to try again: the application came, or the client left, which the engine will tell. */
  async #hold(response: ServerResponse, destination: Destination): Promise<boolean> {
    if (this.#isClosed) return false;
    let isGone = false;
    const isThere = await this.#readinessOf(destination).wait((giveUp) => {
      response.once("close", () => {
        isGone = true;
        giveUp();
      });
    });
    return isThere || isGone;
  }

  #readinessOf({ app, target }: Destination): Readiness {
    const known = this.#readiness.get(app);
    if (known !== undefined) return known;
    const readiness = new Readiness(target, this.#settings.limits);
    this.#readiness.set(app, readiness);
    return readiness;
  }
}

/** Neither the application nor its deployment is there: both are told of. */
function withBoth(here: ProxyOutcome, deployed: ProxyOutcome): ProxyOutcome {
  if (!isDown(deployed) || here.failure === undefined) return deployed;
  const message = `${here.failure.message} Its fallback is not there either: ${deployed.failure?.message}`;
  const failure = new CrosswireError("XW_UNREACHABLE", message, { cause: here.failure });
  return { ...deployed, failure };
}

/** Where this attempt goes; the last one is the one that is told of. */
function targetOf(passage: Passage, { target, isDeployed }: Destination): ProxyTarget {
  const chosen = target();
  passage.target = chosen.url;
  if (isDeployed === true) passage.isFallback = true;
  return chosen;
}

/** Nobody is there, and the request is as good as new. */
function isDown({ status, failure, isUntouched }: ProxyOutcome): boolean {
  return status === 0 && isUntouched === true && failure?.code === "XW_UNREACHABLE";
}
