// The connections to one target: the idle ones for the next exchange, and the exchanges that wait for one.

import type { CrosswireError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import { nodeClock } from "../../node/node-clock.ts";
import { Connection, type Home } from "./connection.ts";
import type { Timed } from "./deadlines.ts";
import type { Exchange } from "./exchange.ts";
import { overloaded, tooSlow } from "./failures.ts";
import type { ProxyTarget } from "./target.ts";

/** The target says how long it keeps a connection; we part a little earlier, so that no request meets the end. */
const KEEP_ALIVE_SHARE = 0.8;

export class Pool implements Home {
  readonly target: ProxyTarget;
  readonly maxHeadBytes: number;
  #limits: Limits;
  #connections = new Set<Connection>();
  /** Last in, first out: the others may then grow old and go. */
  #idle: Connection[] = [];
  #queue: Exchange[] = [];

  constructor(target: ProxyTarget, limits: Limits) {
    this.target = target;
    this.maxHeadBytes = limits.maxHeadBytes;
    this.#limits = limits;
  }

  get size(): number {
    return this.#connections.size;
  }

  get idleSize(): number {
    return this.#idle.length;
  }

  get isEmpty(): boolean {
    return this.#connections.size === 0 && this.#queue.length === 0;
  }

  /** The exchanges that have a connection, and those that wait for one. */
  underWay(): Timed[] {
    const carried = [...this.#connections].flatMap((connection) => connection.carried ?? []);
    return [...carried, ...this.#queue];
  }

  carry(exchange: Exchange): void {
    const connection = this.#takeIdle();
    if (connection !== undefined) exchange.ride(connection);
    else this.carryAnew(exchange);
  }

  /** On a connection that no other exchange used before. */
  carryAnew(exchange: Exchange): void {
    if (this.#connections.size < this.#limits.maxTargetConnections) {
      const connection = new Connection(this);
      this.#connections.add(connection);
      exchange.ride(connection);
    } else if (this.#queue.length < this.#limits.maxTargetQueue) this.#queue.push(exchange);
    else exchange.cancel(overloaded(this.target, "Too many requests wait (limits.maxTargetQueue)"));
  }

  onFree(connection: Connection, keepAliveMs: number): void {
    const next = this.#nextQueued();
    if (next !== undefined) return next.ride(connection);
    if (this.#idle.length >= this.#limits.maxIdleConnections) return connection.close();
    const keptMs = Math.min(this.#limits.idleConnectionMs, keepAliveMs * KEEP_ALIVE_SHARE);
    connection.idleUntil = nodeClock.now() + keptMs;
    this.#idle.push(connection);
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place !== -1) this.#idle.splice(place, 1);
    const next = this.#nextQueued();
    if (next !== undefined) this.carryAnew(next);
  }

  lateFailure(phase: "waiting" | "connecting", limitMs: number): CrosswireError {
    if (phase === "connecting")
      return tooSlow(this.target, "took no connection", "proxyConnectTimeoutMs", limitMs);
    const what = `No connection got free in ${limitMs} ms (limits.maxTargetConnections)`;
    return overloaded(this.target, what);
  }

  sweep(now: number): void {
    for (const connection of [...this.#idle]) {
      if (connection.idleUntil <= now) connection.close();
    }
    this.#queue = this.#queue.filter((exchange) => !exchange.isOver);
  }

  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close();
  }

  #takeIdle(): Connection | undefined {
    let connection = this.#idle.pop();
    if (connection === undefined) return undefined;
    const now = nodeClock.now();
    while (connection !== undefined && connection.idleUntil <= now) {
      connection.close();
      connection = this.#idle.pop();
    }
    return connection;
  }

  #nextQueued(): Exchange | undefined {
    if (this.#queue.length === 0) return undefined;
    let next = this.#queue.shift();
    while (next?.isOver === true) next = this.#queue.shift();
    return next;
  }
}
