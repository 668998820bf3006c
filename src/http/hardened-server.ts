// The HTTP/1.1 server of every front, with the settings that no front may do without.

import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import type { Limits } from "../limits.ts";
import { refuseUpgrade } from "./reply.ts";

const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_CHECK_MS = 1_000;
const MAX_TIMER_MS: number = 2 ** 31 - 1;

export function createHardenedServer(limits: Limits): Server {
  const server = createServer({
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
  });
  // SECURITY: headers beyond the count are hidden but still frame the body (CVE-2026-58044).
  // Their size stays bounded by maxHeaderSize.
  server.maxHeadersCount = 0;
  server.on("clientError", refuseMalformed);
  server.on("connect", (_request, socket) => refuseConnect(socket));
  return server;
}

/** SECURITY: a tunnel to wherever the client likes is not what a front is for. */
function refuseConnect(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
  const reason = "CONNECT is not served here";
  refuseUpgrade(socket, { status: 405, code: "XW_REFUSED", reason });
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const reason = `the request is malformed (${error.code ?? error.message})`;
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400;
  refuseUpgrade(socket, { status, code: "XW_REFUSED", reason });
}
