// The surface that passes requests on: asks where to, sees them through what can go wrong, and says what came of it.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
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
    void this.#answer(request, response, destination);
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

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    destination: Destination,
  ): Promise<void> {
    const passage = this.#settings.traffic.start("http", request);
    const attempt: Attempt = (target, options) =>
      this.#settings.engine.request(request, response, target, options);
    const hold = (): Promise<boolean> => this.#hold(response, destination);
    const outcome = await this.#see(passage, destination, attempt, hold);
    const isUnanswered = outcome.status === 0 && outcome.failure !== undefined;
    const status = isUnanswered
      ? this.#settings.answerFailure(request, response, outcome.failure, destination)
      : outcome.status;
    this.#settings.traffic.end(passage, outcome, status);
  }

  async #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    destination: Destination,
  ): Promise<void> {
    const passage = this.#settings.traffic.start("websocket", request);
    const attempt: Attempt = (target, options) =>
      this.#settings.engine.upgrade(request, socket, head, target, options);
    // Who opens a WebSocket tries again by itself; an answer now serves it better than one later.
    const outcome = await this.#see(passage, destination, attempt, () => Promise.resolve(false));
    const isUnanswered = outcome.status === 0 && outcome.failure !== undefined;
    const status = isUnanswered ? refuseFailed(socket, outcome.failure) : outcome.status;
    this.#settings.traffic.end(passage, outcome, status);
  }

  /** The application itself; if it is not there, the deployed one; and what is only starting is waited for. */
  async #see(
    passage: Passage,
    destination: Destination,
    attempt: Attempt,
    hold: () => Promise<boolean>,
  ): Promise<ProxyOutcome> {
    const options = optionsFor(destination);
    const { fallback, isExpected = false } = destination;
    note(passage, destination);
    const first = await this.#try(passage, destination, attempt, options);
    if (!isDown(first)) return first;
    if (this.#settings.holds && (fallback === undefined || isExpected)) {
      const since = nodeClock.now();
      const isWorthIt = await hold();
      const heldMs = Math.round(nodeClock.now() - since);
      if (heldMs > 0) passage.heldMs = heldMs;
      if (isWorthIt) {
        const second = await this.#try(passage, destination, attempt, options);
        if (!isDown(second)) return second;
      }
    }
    if (fallback === undefined) return first;
    passage.isFallback = true;
    passage.target = fallback.url;
    return attempt(fallback, { ...options, editResponse: localized(fallback) });
  }

  async #try(
    passage: Passage,
    destination: Destination,
    attempt: Attempt,
    options: ForwardOptions,
  ): Promise<ProxyOutcome> {
    const target = destination.target();
    passage.target = target.url;
    const outcome = await attempt(target, options);
    if (outcome.status !== 0) this.#readiness.get(destination.app)?.noteUp();
    return outcome;
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

function note(passage: Passage, { app, rule }: Destination): void {
  passage.app = app;
  passage.rule = rule;
}

function optionsFor({ path, setFields }: Destination): ForwardOptions {
  if (path === undefined && setFields === undefined) return NO_OPTIONS;
  return {
    ...(path === undefined ? {} : { path }),
    ...(setFields === undefined ? {} : { setFields }),
  };
}

/** Nobody is there, and the request is as good as new. */
function isDown({ status, failure, isUntouched }: ProxyOutcome): boolean {
  return status === 0 && isUntouched === true && failure?.code === "XW_UNREACHABLE";
}
