// Our own proxy engine: node:http in front, a lean pooled client of our own behind it.
// Why not another client: docs/decisions/0010-own-proxy-engine.md.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import type { CrosswireError } from "../../errors.ts";
import { type Limits, resolveLimits } from "../../limits.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { ClientSide } from "./client-side.ts";
import { Deadlines, type Timed } from "./deadlines.ts";
import type {
  EngineStats,
  ForwardOptions,
  ProxyEngine,
  ProxyOutcome,
  ProxyRequest,
  ProxyResponse,
} from "./engine.ts";
import { Exchange, type ExchangeHome } from "./exchange.ts";
import { bodyTooLarge, clientGone, engineClosed, looped, overloaded, unsound } from "./failures.ts";
import { Http1Client } from "./http1-client.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2TunnelClient } from "./http2-tunnel-client.ts";
import { Pool } from "./pool.ts";
import { Provenance } from "./provenance.ts";
import {
  type Objection,
  type RequestSource,
  writeRequestHead,
  writeUpgradeHead,
} from "./request-head.ts";
import type { ProxyTarget } from "./target.ts";
import { Tunnel } from "./tunnel.ts";
import { Http1TunnelClient, type TunnelClient } from "./tunnel-client.ts";

export interface EngineOptions {
  readonly limits?: Partial<Limits>;
  /** Keep what clients say in X-Forwarded-* and Forwarded, and add to it; only behind another proxy of yours. */
  readonly trustForwarded?: boolean;
}

/**
 * The engine that the proxy uses unless it is given another.
 *
 * @example
 * const engine = createEngine({ limits: { proxyHeadTimeoutMs: 30_000 } })
 * const outcome = await engine.request(request, response, parseTarget("http://localhost:3001"))
 */
export function createEngine(options: EngineOptions = {}): ProxyEngine {
  return new OwnEngine(resolveLimits(options.limits), options.trustForwarded === true);
}

class OwnEngine implements ProxyEngine, ExchangeHome {
  readonly name = "crosswire";
  readonly limits: Limits;
  #provenance: Provenance;
  #pools = new Map<string, Pool>();
  /**
   * HOT: how many there are; the pools know which. A Set that each request comes into and leaves gets a new table every
   * few requests, and each table refers to the next one. Once V8 counts one of them as old, the scavenger keeps all
   * that follow, with what was in them: half of all that was allocated, on Node 24, benchmarks/proxy.
   */
  #exchanges = 0;
  #tunnels = new Set<Tunnel>();
  #deadlines: Deadlines;
  #isClosed = false;
  #onQuiet: () => void = () => {};

  constructor(limits: Limits, trustForwarded: boolean) {
    this.limits = limits;
    this.#provenance = new Provenance(trustForwarded);
    this.#deadlines = new Deadlines(
      shortestOf(limits),
      () => this.#underWay(),
      (now) => this.#sweep(now),
    );
  }

  request(
    request: ProxyRequest,
    response: ProxyResponse,
    target: ProxyTarget,
    options?: ForwardOptions,
  ): Promise<ProxyOutcome> {
    const client = clientOf(request, response);
    const refusal = this.#refusalOf(client);
    if (refusal !== undefined) return Promise.resolve(untouched(refusal));
    const head = writeRequestHead(client.source, target, this.#provenance, options);
    if (!("text" in head)) return Promise.resolve(untouched(failureOf(head, target)));
    if (head.length > this.limits.maxProxiedBodyBytes)
      return Promise.resolve(untouched(bodyTooLarge(this.limits.maxProxiedBodyBytes)));
    return new Promise((settle) => {
      const pool = this.#poolOf(target);
      const exchange = new Exchange(this, { client, head, pool, options, settle });
      this.#exchanges++;
      pool.carry(exchange);
    });
  }

  onOver(): void {
    this.#exchanges--;
    this.#noteQuiet();
  }

  upgrade(
    request: ProxyRequest,
    socket: Duplex,
    head: Buffer,
    target: ProxyTarget,
    options?: ForwardOptions,
  ): Promise<ProxyOutcome> {
    const { client, source } = tunnelClientOf(request, socket);
    const text = writeUpgradeHead(source, target, this.#provenance, options);
    if (this.#isClosed) return Promise.resolve(untouched(engineClosed()));
    if (socket.destroyed) return Promise.resolve(untouched(clientGone()));
    if (typeof text !== "string") return Promise.resolve(untouched(failureOf(text, target)));
    if (this.#tunnels.size >= this.limits.maxTunnels) {
      const what = `limits.maxTunnels (${this.limits.maxTunnels}) WebSockets are open; there is no room`;
      return Promise.resolve(untouched(overloaded(target, what)));
    }
    return new Promise((resolve) => {
      const tunnel = new Tunnel(client, head, text, {
        target,
        limits: this.limits,
        editResponse: options?.editResponse,
        onOver: (outcome) => {
          this.#tunnels.delete(tunnel);
          this.#noteQuiet();
          resolve(outcome);
        },
      });
      this.#tunnels.add(tunnel);
      tunnel.open();
    });
  }

  stats(): EngineStats {
    const pools = [...this.#pools.values()];
    return {
      connections: pools.reduce((sum, { size }) => sum + size, this.#tunnels.size),
      idleConnections: pools.reduce((sum, { idleSize }) => sum + idleSize, 0),
      exchanges: this.#exchanges,
      tunnels: this.#tunnels.size,
    };
  }

  async close({ graceMs = this.limits.closeGraceMs } = {}): Promise<void> {
    this.#isClosed = true;
    for (const pool of this.#pools.values()) pool.closeIdle();
    for (const tunnel of this.#tunnels) tunnel.drain();
    await this.#quietWithin(graceMs);
    for (const timed of this.#underWay()) timed.cancel(engineClosed());
    for (const pool of this.#pools.values()) pool.closeIdle();
    this.#deadlines.close();
  }

  #refusalOf(client: ClientSide): CrosswireError | undefined {
    if (this.#isClosed) return engineClosed();
    return client.isOver ? clientGone() : undefined;
  }

  #poolOf(target: ProxyTarget): Pool {
    const known = this.#pools.get(target.key);
    if (known !== undefined) return known;
    const pool = new Pool(target, this.limits);
    this.#pools.set(target.key, pool);
    return pool;
  }

  /** As it is now: what is done to one of them can end or begin others. */
  #underWay(): Timed[] {
    return [...[...this.#pools.values()].flatMap((pool) => pool.underWay()), ...this.#tunnels];
  }

  #sweep(now: number): void {
    for (const [key, pool] of this.#pools) {
      pool.sweep(now);
      if (pool.isEmpty) this.#pools.delete(key);
    }
  }

  #noteQuiet(): void {
    if (this.#isClosed && this.#exchanges + this.#tunnels.size === 0) this.#onQuiet();
  }

  async #quietWithin(graceMs: number): Promise<void> {
    if (this.#exchanges + this.#tunnels.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = nodeClock.setTimer(resolve, graceMs);
      this.#onQuiet = () => {
        nodeClock.clearTimer(timer);
        resolve();
      };
    });
  }
}

function clientOf(request: ProxyRequest, response: ProxyResponse): ClientSide {
  if (request.httpVersionMajor === 2)
    return new Http2Client(request as Http2ServerRequest, response as Http2ServerResponse);
  return new Http1Client(request as IncomingMessage, response as ServerResponse);
}

function tunnelClientOf(
  request: ProxyRequest,
  socket: Duplex,
): { readonly client: TunnelClient; readonly source: RequestSource } {
  if (request.httpVersionMajor === 2) {
    const client = new Http2TunnelClient(request as Http2ServerRequest);
    return { client, source: client.source };
  }
  const { method = "GET", url = "/", rawHeaders, socket: own } = request as IncomingMessage;
  const source = { method, url, rawHeaders, socket: own, isHttp1: true, hasUnframedBody: false };
  return { client: new Http1TunnelClient(socket), source };
}

function untouched(failure: CrosswireError): ProxyOutcome {
  return { status: 0, bytesUp: 0, bytesDown: 0, failure, isUntouched: true };
}

function failureOf(objection: Objection, target: ProxyTarget): CrosswireError {
  return "isLoop" in objection ? looped(target) : unsound(objection.unsound);
}

function shortestOf(limits: Limits): number {
  const { proxyConnectTimeoutMs, proxyHeadTimeoutMs, proxyUpgradeTimeoutMs } = limits;
  const { proxyIdleTimeoutMs, proxyTotalTimeoutMs, tunnelIdleMs, idleConnectionMs } = limits;
  return Math.min(
    proxyConnectTimeoutMs,
    proxyHeadTimeoutMs,
    proxyUpgradeTimeoutMs,
    proxyIdleTimeoutMs,
    proxyTotalTimeoutMs,
    tunnelIdleMs,
    idleConnectionMs,
  );
}
