// The one HTTP server of an IPCServer: gate first, then the surfaces in their order.
// Today those are upgrades by path; intercepts and the proxy take their place between them and the 404.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Limits } from "../limits.ts";
import type { Gate } from "./gate.ts";

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** An answer of the front itself, as JSON. */
export interface FrontReply {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  426: "Upgrade Required",
  503: "Service Unavailable",
};

const KEEP_ALIVE_MS = 5_000;
const CONNECTIONS_CHECK_MS = 1_000;

export class Front {
  readonly server: Server;
  #gate: Gate;
  #upgrades = new Map<string, UpgradeHandler>();

  constructor(gate: Gate, limits: Limits) {
    this.#gate = gate;
    this.server = createHardenedServer(limits);
    this.server.on("request", (request, response) => this.#answer(request, response));
    this.server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.server.on("clientError", (error, socket) => refuseMalformed(error, socket));
  }

  /** Only requests that passed the control gate reach the handler. */
  onUpgrade(path: string, handler: UpgradeHandler): void {
    this.#upgrades.set(path, handler);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#gate.checkVisitor(request);
    if (refusal !== undefined) return answerJson(response, { ...refusal, code: "XW_REFUSED" });
    const reason = `nothing is served at ${JSON.stringify(pathOf(request))}`;
    answerJson(response, { status: 404, code: "XW_REFUSED", reason });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // SECURITY: without a listener the error of a client that is gone would end the process.
    socket.on("error", destroy);
    const refusal = this.#gate.checkControl(request);
    if (refusal !== undefined) return refuseUpgrade(socket, { ...refusal, code: "XW_REFUSED" });
    if (hasBody(request)) {
      const reason = "an upgrade must not have a body";
      return refuseUpgrade(socket, { status: 400, code: "XW_REFUSED", reason });
    }
    const handler = this.#upgrades.get(pathOf(request));
    if (handler !== undefined) return handler(request, socket, head);
    const reason = `no WebSocket is served at ${JSON.stringify(pathOf(request))}`;
    refuseUpgrade(socket, { status: 404, code: "XW_REFUSED", reason });
  }
}

/** SECURITY: what follows such a head would be read as WebSocket frames by one and as a body by another. */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** Answers an upgrade with plain HTTP and closes the connection. */
export function refuseUpgrade(socket: Duplex, reply: FrontReply): void {
  const body = bodyOf(reply);
  const headers = Object.entries(headersOf(reply, body)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const statusLine = `HTTP/1.1 ${reply.status} ${STATUS_TEXT[reply.status] ?? "Error"}\r\n`;
  // The client may still be sending: with a half-open socket left behind, its end would never be seen.
  socket.once("finish", () => socket.destroy());
  socket.end(`${statusLine}${headers.join("")}Connection: close\r\n\r\n${body}`);
}

function answerJson(response: ServerResponse, reply: FrontReply): void {
  const body = bodyOf(reply);
  response.writeHead(reply.status, headersOf(reply, body)).end(body);
}

function bodyOf({ code, reason }: FrontReply): string {
  return JSON.stringify({ error: reason, code });
}

/** The header that tells our client, in whatever status it gets, that this is Crosswire. */
function headersOf({ headers }: FrontReply, body: string): Record<string, string> {
  return {
    "Crosswire-Protocol": "1",
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "X-Content-Type-Options": "nosniff",
    ...headers,
  };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "/").split("?", 1)[0] ?? "/";
}

function createHardenedServer(limits: Limits): Server {
  const server = createServer({
    insecureHTTPParser: false,
    headersTimeout: Math.min(limits.headersTimeoutMs, 2 ** 31 - 1),
    // A bound on the whole request would end long uploads; the head has its own bound.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CONNECTIONS_CHECK_MS,
    // The gate counts Host headers itself and says what is wrong.
    requireHostHeader: false,
  });
  // SECURITY: headers beyond the count are hidden but still frame the body (CVE-2026-58044).
  // Their size stays bounded by maxHeaderSize.
  server.maxHeadersCount = 0;
  return server;
}

function refuseMalformed(error: Error, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const reason = `the request is malformed (${(error as NodeJS.ErrnoException).code ?? error.message})`;
  refuseUpgrade(socket, { status: 400, code: "XW_REFUSED", reason });
}
