// The HTTP/1.1 server of every front, with the settings that no front may do without.

import { createServer, type Server, type ServerOptions } from "node:http";
import type { Duplex } from "node:stream";
import type { Limits } from "../limits.ts";
import { refuseUpgrade } from "./reply.ts";

const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_CHECK_MS = 1_000;
const MAX_TIMER_MS: number = 2 ** 31 - 1;
/** Of one stream of HTTP/2: the default of 64 KiB makes uploads wait for each other side's turn. */
const WINDOW_BYTES = 1_048_576;
/** SECURITY: what one connection may ask for at once. */
const MAX_STREAMS = 256;
const DEFAULT_HEAD_BYTES = 16_384;

/** How a front is reached over TLS. */
export interface FrontTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** Offer HTTP/2 too, WebSockets over it included; on unless switched off. */
  readonly http2?: boolean;
}

export interface HardenedOptions {
  readonly tls?: FrontTls | undefined;
  /**
   * HOT: Node need not make a stream of the nothing that follows most GET requests; from 24.12 on it then does not,
   * and such a request neither ends nor closes as a stream, benchmarks/proxy.
   */
  readonly skipsEmptyBodies?: boolean;
}

export function createHardenedServer(
  limits: Limits,
  { tls, skipsEmptyBodies = false }: HardenedOptions = {},
): Server {
  const settings = { ...settingsOf(limits), optimizeEmptyRequests: skipsEmptyBodies };
  const server = tls === undefined ? createServer(settings) : createSecure(settings, tls);
  // SECURITY: headers beyond the count are hidden but still frame the body (CVE-2026-58044).
  // Their size stays bounded by maxHeaderSize.
  server.maxHeadersCount = 0;
  server.on("clientError", refuseMalformed);
  return server;
}

function settingsOf(limits: Limits): ServerOptions {
  return {
    insecureHTTPParser: false,
    headersTimeout: Math.min(limits.headersTimeoutMs, MAX_TIMER_MS),
    maxHeaderSize: limits.maxHeadBytes,
    // A bound on the whole request would end long uploads; the head has its own bound.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    // The gate counts Host headers itself and says what is wrong.
    requireHostHeader: false,
    noDelay: true,
  };
}

/** A server of HTTP/2 that takes HTTP/1.1 too behaves like one of HTTP/1.1 towards clients of that. */
function createSecure(settings: ServerOptions, { cert, key, http2 = true }: FrontTls): Server {
  // Loaded here, because most fronts are plain, and these two modules take a while.
  if (!http2) {
    return process.getBuiltinModule("node:https").createServer({ ...settings, cert, key });
  }
  const server = process.getBuiltinModule("node:http2").createSecureServer({
    ...settings,
    cert,
    key,
    allowHTTP1: true,
    settings: {
      enableConnectProtocol: true,
      initialWindowSize: WINDOW_BYTES,
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: settings.maxHeaderSize ?? DEFAULT_HEAD_BYTES,
    },
  });
  return server as unknown as Server;
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const reason = `the request is malformed (${error.code ?? error.message})`;
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  refuseUpgrade(socket, { status, code: "XW_REFUSED", reason });
}
