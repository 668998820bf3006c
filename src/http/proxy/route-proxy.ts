// Passes on what a server does not answer itself, to wherever its resolver says: `server.setRouteProxyResolver(…)`.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Limits } from "../../limits.ts";
import type { TraceSinks } from "../../trace.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { ProxyEngine } from "../engine/engine.ts";
import { parseTarget, type ProxyTarget } from "../engine/target.ts";
import { pathOf, type Surface } from "../front.ts";
import { answerFailure } from "./failure-answer.ts";
import { ProxiedSurface } from "./proxied-surface.ts";
import type { Destination } from "./routing.ts";
import { Traffic } from "./traffic.ts";

/** Returns the base URL of whoever serves the path, `http://127.0.0.1:4001`; undefined where nobody does. */
export type RouteProxyResolver = (
  path: string,
  request: IncomingMessage,
) => string | ChosenRoute | undefined;

/** For who counts what is open where. */
export interface ChosenRoute {
  readonly baseUrl: string;
  /** Called once, when the exchange or the WebSocket is over, however it ended. */
  readonly onEnd?: () => void;
}

export interface RouteProxySettings {
  readonly limits: Limits;
  readonly sinks: TraceSinks;
  readonly token: string;
}

/** Targets that are remembered: resolvers return the same few over and over. */
const MAX_TARGETS = 1_000;

export class RouteProxy implements Surface {
  #settings: RouteProxySettings;
  #resolver: RouteProxyResolver | undefined;
  #targets = new Map<string, ProxyTarget>();
  #engine: ProxyEngine | undefined;
  #proxied: ProxiedSurface | undefined;

  constructor(settings: RouteProxySettings) {
    this.#settings = settings;
  }

  /** A later resolver takes over; undefined switches it off. */
  set(resolver: RouteProxyResolver | undefined): void {
    if (resolver !== undefined && typeof resolver !== "function") {
      throw new TypeError("setRouteProxyResolver takes a function (path, request) => baseUrl.");
    }
    this.#resolver = resolver;
    this.#proxied ??= this.#open();
  }

  answer(request: IncomingMessage, response: ServerResponse): boolean {
    return this.#resolver !== undefined && this.#proxied?.answer(request, response) === true;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    return this.#resolver !== undefined && this.#proxied?.upgrade(request, socket, head) === true;
  }

  async close(graceMs: number): Promise<void> {
    await this.#engine?.close({ graceMs });
  }

  #open(): ProxiedSurface {
    const { limits, sinks, token } = this.#settings;
    this.#engine = createEngine({ limits });
    return new ProxiedSurface({
      routing: { choose: (request) => this.#choose(request), apps: [], routes: [] },
      engine: this.#engine,
      traffic: new Traffic(sinks),
      limits,
      // Its clients are programs, and whoever answers for the resolver knows what is up.
      answerFailure: (_request, response, failure) => answerFailure(response, failure),
      token,
      holds: false,
    });
  }

  #choose(request: IncomingMessage): Destination | undefined {
    const chosen = this.#resolver?.(pathOf(request), request);
    if (chosen === undefined) return undefined;
    const route: Partial<ChosenRoute> | null =
      typeof chosen === "string" ? { baseUrl: chosen } : chosen;
    const { baseUrl, onEnd } = route ?? {};
    if (typeof baseUrl !== "string") throw noUrl(chosen);
    const target = this.#targetOf(baseUrl);
    const destination = { app: baseUrl, rule: "setRouteProxyResolver", target: () => target };
    return onEnd === undefined ? destination : { ...destination, onEnd };
  }

  #targetOf(url: string): ProxyTarget {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    // The services behind are addressed by their own URLs, and some of them check their Host as this server does.
    const target = parseTarget(url, { host: "target" });
    if (this.#targets.size >= MAX_TARGETS) this.#targets.clear();
    this.#targets.set(url, target);
    return target;
  }
}

function noUrl(seen: unknown): TypeError {
  const what = seen instanceof Promise ? "a promise" : String(seen);
  return new TypeError(
    `the resolver of setRouteProxyResolver returned ${what}; it has to return a base URL or undefined at once`,
  );
}
