// What a proxy engine is: it carries one exchange at a time from a client to a target and back, byte for byte.
// Routes, gates, error pages, fallbacks and logs are above it; it answers no client by itself.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Duplex } from "node:stream";
import type { CrosswireError } from "../../errors.ts";
import type { ProxyTarget } from "./target.ts";

export type ProxyRequest = IncomingMessage | Http2ServerRequest;
export type ProxyResponse = ServerResponse | Http2ServerResponse;

/** Names and values in turn, as in Node's `rawHeaders`: order, case and duplicates are kept. */
export type RawFields = readonly string[];

export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly fields: RawFields;
}

/** What is different for this one exchange. */
export interface ForwardOptions {
  /** Asked of the target instead of the request's own path and query; the target's base path comes before it. */
  readonly path?: string;
  /** Request fields in place of those that the client sent under these names; undefined only takes them out. */
  readonly setFields?: Readonly<Record<string, string | undefined>>;
  /** The response fields that the client gets instead of these. Framing is not among them. */
  readonly editResponse?: (head: ResponseHead) => RawFields;
}

/** How one exchange ended. */
export interface ProxyOutcome {
  /** Of the response that the client got, or began to get; 0 when there was none, and the caller has to answer. */
  readonly status: number;
  /** Of the request body. */
  readonly bytesUp: number;
  /** Of the response body. */
  readonly bytesDown: number;
  /** Why it did not come to its proper end. */
  readonly failure?: CrosswireError;
  /** With status 0: nothing of the request's body was taken, so it can be forwarded again, to another target. */
  readonly isUntouched?: boolean;
}

export interface EngineStats {
  /** Connections to targets, idle ones included. */
  readonly connections: number;
  readonly idleConnections: number;
  /** Exchanges under way, those that wait for a connection included. */
  readonly exchanges: number;
  readonly tunnels: number;
}

/**
 * Carries HTTP exchanges and WebSockets to targets.
 *
 * Both methods settle when all is over and never reject. A response that has begun and cannot be ended properly is
 * cut off, so that the client sees an error and not a short body.
 */
export interface ProxyEngine {
  readonly name: string;
  request(
    request: ProxyRequest,
    response: ProxyResponse,
    target: ProxyTarget,
    options?: ForwardOptions,
  ): Promise<ProxyOutcome>;
  /** Settles with status 101 when the tunnel ended, or with that of the refusal that was passed on. */
  upgrade(
    request: ProxyRequest,
    socket: Duplex,
    head: Buffer,
    target: ProxyTarget,
    options?: ForwardOptions,
  ): Promise<ProxyOutcome>;
  stats(): EngineStats;
  /** Closes idle connections, lets exchanges finish for up to `graceMs`, and says 1001 to both ends of each WebSocket. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/** The HTTP status by which a client is told of a failure. */
export function statusOf(failure: CrosswireError): number {
  switch (failure.code) {
    case "XW_TIMEOUT":
      return 504;
    case "XW_OVERLOADED":
    case "XW_CLOSED":
      return 503;
    case "XW_LIMIT":
      return 413;
    case "XW_LOOP":
      return 508;
    case "XW_REFUSED":
      return 400;
    case "XW_ENCODE":
      return 500;
    default:
      return 502;
  }
}
