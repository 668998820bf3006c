// A reverse proxy as one thing: a front with its gate, what it passes on, and what it tells of itself.

import { randomBytes } from "node:crypto";
import { CrosswireError } from "../../errors.ts";
import { type Limits, resolveLimits } from "../../limits.ts";
import { nodeTrace } from "../../node/diagnostics.ts";
import { createEngine } from "../engine/create-engine.ts";
import type { EngineStats, ProxyEngine } from "../engine/engine.ts";
import { Front } from "../front.ts";
import { Gate } from "../gate.ts";
import { listen } from "../listener.ts";
import { answerUnavailable } from "./failure-answer.ts";
import { ProxiedSurface } from "./proxied-surface.ts";
import {
  placeOf,
  portTaken,
  type ProxyOptions,
  type ProxyPlace,
  routingOf,
} from "./proxy-options.ts";
import { statusSurface } from "./status-surface.ts";
import { Traffic, type TrafficCounters } from "./traffic.ts";

export interface ProxyStats {
  readonly engine: EngineStats;
  readonly counters: TrafficCounters;
}

/**
 * A reverse proxy for HTTP and WebSockets. It answers once `start()` resolved.
 *
 * @example
 * const proxy = createProxy({ routes: { "/api/:path*": "http://localhost:4000", "/:path*": "http://localhost:3000" } })
 * await proxy.start()
 */
export function createProxy(options: ProxyOptions): ReverseProxy {
  return new ReverseProxy(options);
}

export class ReverseProxy {
  #place: ProxyPlace;
  #limits: Limits;
  #engine: ProxyEngine;
  #traffic: Traffic;
  #proxied: ProxiedSurface;
  #front: Front;
  #scheme: string;
  #port: number | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Use `createProxy`. @internal */
  constructor(options: ProxyOptions) {
    const { token = randomBytes(32).toString("base64url"), trustForwarded = false } = options;
    this.#place = placeOf(options);
    this.#limits = resolveLimits(options.limits);
    const routing = routingOf(options);
    this.#engine = options.engine ?? createEngine({ limits: this.#limits, trustForwarded });
    this.#traffic = new Traffic(nodeTrace(options.trace), options.onAccess);
    this.#proxied = new ProxiedSurface({
      routing,
      engine: this.#engine,
      traffic: this.#traffic,
      limits: this.#limits,
      answerFailure: answerUnavailable,
      token,
      holds: true,
    });
    const { tls } = options;
    this.#scheme = tls === undefined ? "http" : "https";
    const gate = new Gate({ ...options, token, isSecure: tls !== undefined }, () => this.#port);
    const status = statusSurface({
      gate,
      isExposed: this.#place.isExposed,
      routing,
      engine: this.#engine,
      traffic: this.#traffic,
      proxied: this.#proxied,
    });
    this.#front = new Front(gate, this.#limits, [status, this.#proxied], {
      tls,
      // Another engine may read whatever it gets as a stream, to its end.
      skipsEmptyBodies: options.engine === undefined,
      onRefused: (kind, request, reply) => this.#traffic.refused(kind, request, reply),
    });
  }

  /** Rejects with XW_LISTEN when the port is taken. */
  async start(): Promise<void> {
    if (this.#closing !== undefined)
      throw new CrosswireError("XW_CLOSED", "A closed proxy cannot start again; create a new one.");
    if (this.#port !== undefined) return;
    await (this.#starting ??= this.#listen().finally(() => (this.#starting = undefined)));
  }

  /** 0 before `start()`. */
  getPort(): number {
    return this.#port ?? 0;
  }

  /** `http://localhost:<port>`, or with the host that it was given; empty before `start()`. */
  getUrl(): string {
    if (this.#port === undefined) return "";
    const { host } = this.#place;
    const shown = host === "127.0.0.1" ? "localhost" : host.includes(":") ? `[${host}]` : host;
    return `${this.#scheme}://${shown}:${this.#port}`;
  }

  stats(): ProxyStats {
    return { engine: this.#engine.stats(), counters: this.#traffic.counters };
  }

  /** Lets exchanges finish for up to `graceMs`, says 1001 to both ends of each WebSocket, then closes everything. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options.graceMs ?? this.#limits.closeGraceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #listen(): Promise<void> {
    const isListening = await listen(this.#front.server, this.#place, () => {
      const address = this.#front.server.address();
      if (typeof address === "object" && address !== null) this.#port = address.port;
    });
    if (!isListening) throw portTaken(this.#place);
  }

  async #close(graceMs: number): Promise<void> {
    await this.#starting?.catch(() => {});
    const stopped = this.#front.stop();
    this.#proxied.close();
    // Who was held gets an answer now, and so does who asked for what the engine no longer does.
    await turn();
    await this.#engine.close({ graceMs });
    await turn();
    this.#front.cutConnections();
    await stopped;
  }
}

/** Lets everything happen that a settled promise leads to, writing an answer for example. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
