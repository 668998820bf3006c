// What went through a proxy: counted, told to whoever watches, and handed to the access log.

import type { IncomingMessage } from "node:http";
import { CrosswireError } from "../../errors.ts";
import { warn } from "../../node/diagnostics.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { TraceSinks } from "../../trace.ts";
import type { ProxyOutcome } from "../engine/engine.ts";
import { pathOf } from "../front.ts";
import type { FrontReply } from "../reply.ts";
import type { Destination } from "./routing.ts";

/** One request or WebSocket that is over. */
export interface AccessEntry {
  /** When it came, as ISO text. */
  readonly at: string;
  readonly kind: "http" | "websocket";
  readonly method: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  /** 499 when the client left before it had an answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Absent when the proxy answered by itself: no route, or a Host or Origin that is not allowed. */
  readonly app?: string;
  readonly rule?: string;
  /** The base URL of whoever answered, or was to answer. */
  readonly target?: string;
  /** The time that it was held because the application was not there yet. */
  readonly heldMs?: number;
  /** Answered by the deployed application, in place of one that is not there. */
  readonly isFallback?: true;
  readonly error?: CrosswireError;
}

export interface TrafficCounters {
  /** Passed on, or at least tried. */
  readonly requests: number;
  /** Answered by the proxy itself: no route, or a Host or Origin that is not allowed. */
  readonly refused: number;
  readonly webSockets: number;
  readonly openWebSockets: number;
  /** Answers by their first digit, `2xx` and so on. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly failures: number;
  readonly fallbacks: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** What is known of a request when it is passed on. */
export interface Passage {
  readonly id: number;
  readonly kind: AccessEntry["kind"];
  readonly request: IncomingMessage;
  readonly startedAt: number;
  readonly destination: Destination;
  target: string;
  heldMs: number | undefined;
  isFallback: boolean;
}

const CLIENT_GONE = 499;

export class Traffic {
  #sinks: TraceSinks;
  #onAccess: ((entry: AccessEntry) => void) | undefined;
  #lastId = 0;
  #counters = {
    requests: 0,
    refused: 0,
    webSockets: 0,
    openWebSockets: 0,
    failures: 0,
    fallbacks: 0,
    bytesUp: 0,
    bytesDown: 0,
  };
  /** By the first digit. */
  #statuses: number[] = [0, 0, 0, 0, 0, 0];

  constructor(sinks: TraceSinks, onAccess?: (entry: AccessEntry) => void) {
    this.#sinks = sinks;
    this.#onAccess = onAccess;
  }

  get counters(): TrafficCounters {
    const statuses = this.#statuses.slice(1).map((count, i) => [`${i + 1}xx`, count]);
    return { ...this.#counters, statuses: Object.fromEntries(statuses) as Record<string, number> };
  }

  start(kind: Passage["kind"], request: IncomingMessage, destination: Destination): Passage {
    if (kind === "http") this.#counters.requests++;
    else {
      this.#counters.webSockets++;
      this.#counters.openWebSockets++;
    }
    const passage: Passage = {
      id: ++this.#lastId,
      kind,
      request,
      destination,
      startedAt: nodeClock.now(),
      target: "",
      heldMs: undefined,
      isFallback: false,
    };
    const sink = this.#sinks["proxy:start"];
    if (sink.hasSubscribers) {
      const { method = "GET" } = request;
      sink.publish({ id: passage.id, kind, method, path: pathOf(request) });
    }
    return passage;
  }

  /** `status` is what the client got, where the outcome has none. */
  end(passage: Passage, outcome: ProxyOutcome, answered: number): void {
    const isGone = outcome.failure?.code === "XW_CANCELLED" && outcome.status === 0;
    const status = isGone ? CLIENT_GONE : outcome.status || answered;
    this.#count(passage, outcome, status);
    passage.destination.onEnd?.();
    const sink = this.#sinks["proxy:end"];
    if (this.#onAccess === undefined && !sink.hasSubscribers) return;
    const entry = entryOf(passage, outcome, status);
    sink.publish({ id: passage.id, ...entry });
    this.#tell(entry);
  }

  /** The proxy itself answered. */
  refused(kind: Passage["kind"], request: IncomingMessage, { status, reason }: FrontReply): void {
    this.#counters.refused++;
    this.#tally(status);
    if (this.#onAccess === undefined) return;
    this.#tell({
      at: new Date().toISOString(),
      kind,
      method: request.method ?? "GET",
      path: pathOf(request),
      status,
      durationMs: 0,
      bytesUp: 0,
      bytesDown: 0,
      error: new CrosswireError("XW_REFUSED", reason),
    });
  }

  /** Whoever keeps the log must not cost anybody an answer. */
  #tell(entry: AccessEntry): void {
    try {
      this.#onAccess?.(entry);
    } catch (error) {
      warn(error, "onAccess");
    }
  }

  #count({ kind, isFallback }: Passage, outcome: ProxyOutcome, status: number): void {
    const counters = this.#counters;
    if (kind === "websocket") counters.openWebSockets--;
    if (outcome.failure !== undefined) counters.failures++;
    if (isFallback) counters.fallbacks++;
    counters.bytesUp += outcome.bytesUp;
    counters.bytesDown += outcome.bytesDown;
    this.#tally(status);
  }

  #tally(status: number): void {
    const family = Math.floor(status / 100);
    this.#statuses[family] = (this.#statuses[family] ?? 0) + 1;
  }
}

function entryOf(
  passage: Passage,
  outcome: ProxyOutcome,
  status: number,
): AccessEntry & { readonly app: string; readonly rule: string; readonly target: string } {
  const { kind, request, startedAt, destination, target, heldMs, isFallback } = passage;
  const { bytesUp, bytesDown, failure } = outcome;
  const durationMs = Math.round(nodeClock.now() - startedAt);
  return {
    at: new Date(Date.now() - durationMs).toISOString(),
    kind,
    method: request.method ?? "GET",
    path: pathOf(request),
    status,
    durationMs,
    bytesUp,
    bytesDown,
    app: destination.app,
    rule: destination.rule,
    target,
    ...(heldMs === undefined ? {} : { heldMs }),
    ...(isFallback ? { isFallback } : {}),
    ...(failure === undefined ? {} : { error: failure }),
  };
}
