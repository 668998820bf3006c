// The HTTP server of an IPCServer or a proxy: the gate first, then the surfaces in their order, then 404.
// What a surface is for is its own affair; which one gets a request is decided here.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { isCrosswireError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import type { Gate, Refusal } from "./gate.ts";
import { createHardenedServer, type FrontTls } from "./hardened-server.ts";
import { answerJson, type FrontReply, hasBody, isBehindLast, refuseUpgrade } from "./reply.ts";

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Something that is served: each method takes the request, or returns false and leaves it untouched. */
export interface Surface {
  answer?(request: IncomingMessage, response: ServerResponse): boolean;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

export interface FrontOptions {
  readonly tls?: FrontTls | undefined;
  /** Whether no surface here reads the body of a request that has none. */
  readonly skipsEmptyBodies?: boolean;
  /** Called with what the front answered by itself, because no surface got the request, or none took it. */
  readonly onRefused?: (
    kind: "http" | "websocket",
    request: IncomingMessage,
    reply: FrontReply,
  ) => void;
}

export class Front {
  readonly server: Server;
  #gate: Gate;
  #surfaces: readonly Surface[];
  #onRefused: FrontOptions["onRefused"];
  #sockets = new Set<Socket>();
  #sessions = new Set<Http2Session>();

  constructor(
    gate: Gate,
    limits: Limits,
    surfaces: readonly Surface[],
    { tls, skipsEmptyBodies = false, onRefused }: FrontOptions = {},
  ) {
    this.#gate = gate;
    this.#surfaces = surfaces;
    this.#onRefused = onRefused;
    this.server = createHardenedServer(limits, { tls, skipsEmptyBodies });
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      this.#answer(request, response);
    this.server.on("connection", (socket: Socket) => keepWhileOpen(this.#sockets, socket));
    this.server.on("session", (session: Http2Session) => keepWhileOpen(this.#sessions, session));
    this.server.on("request", answer);
    // Whether the client is to go on is for whoever takes the body to say.
    this.server.on("checkContinue", answer);
    this.server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.server.on("connect", (request: IncomingMessage, socket: Duplex) =>
      this.#connect(request, socket),
    );
  }

  /** Takes no more connections and ends idle ones. Resolves when the last one is gone. */
  stop(): Promise<void> {
    const { server } = this;
    if (!server.listening) return Promise.resolve();
    const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    for (const session of this.#sessions) session.close();
    return stopped;
  }

  cutConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    // SECURITY: the connection ends with an answer given before; nobody would hear what became of this request.
    if (isBehindLast(request)) return;
    const reply = this.#offer(
      request,
      this.#gate.checkVisitor(request),
      (surface) => surface.answer?.(request, response) === true,
    );
    if (reply === undefined) return;
    answerJson(response, reply);
    this.#onRefused?.("http", request, reply);
  }

  /** Offers the request to the surfaces. Returns what to say when none takes it. */
  #offer(
    request: IncomingMessage,
    refusal: Refusal | undefined,
    take: (surface: Surface) => boolean,
  ): FrontReply | undefined {
    if (refusal !== undefined) return { ...refusal, code: "XW_REFUSED" };
    toOriginForm(request);
    try {
      if (this.#surfaces.some(take)) return undefined;
    } catch (error) {
      return failed(error);
    }
    const reason = `nothing is served at ${JSON.stringify(pathOf(request))}`;
    return { status: 404, code: "XW_REFUSED", reason };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // SECURITY: without a listener the error of a client that is gone would end the process.
    socket.on("error", destroy);
    if (!isWebSocket(request)) return this.#serveWithoutUpgrade(request, socket, head);
    // SECURITY: what follows such a head would be read as frames by one and as a body by another.
    if (hasBody(request)) this.#refuse(request, socket, 400, "an upgrade must not have a body");
    else this.#open(request, socket, head);
  }

  /** Over HTTP/2 a WebSocket is asked for by CONNECT (RFC 8441), and the second argument is the response. */
  #connect(request: IncomingMessage, socket: Duplex): void {
    const { stream } = request as unknown as Partial<Http2ServerRequest>;
    const duplex = stream ?? socket;
    duplex.on("error", destroy);
    if (stream !== undefined && request.headers[":protocol"] === "websocket")
      return this.#open(request, stream, Buffer.alloc(0));
    // SECURITY: a tunnel to wherever the client likes is not what a front is for.
    this.#refuse(request, duplex, 405, "CONNECT is not served here");
  }

  #open(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const reply = this.#offer(
      request,
      this.#gate.checkVisitorUpgrade(request),
      (surface) => surface.upgrade?.(request, socket, head) === true,
    );
    if (reply === undefined) return;
    refuseUpgrade(socket, reply);
    this.#onRefused?.("websocket", request, reply);
  }

  #refuse(request: IncomingMessage, socket: Duplex, status: number, reason: string): void {
    const reply = { status, code: "XW_REFUSED", reason };
    refuseUpgrade(socket, reply);
    this.#onRefused?.("websocket", request, reply);
  }

  /**
   * An upgrade to anything but WebSocket is an offer that a server may ignore, and Java's client makes it with each
   * first request (h2c). Node has left HTTP on this connection, so it is given the request again, without the offer.
   */
  #serveWithoutUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.removeListener("error", destroy);
    const text = headWithoutUpgrade(request);
    socket.unshift(Buffer.concat([Buffer.from(text, "latin1"), head]));
    this.server.emit(socket instanceof TLSSocket ? "secureConnection" : "connection", socket);
  }
}

/** Some surfaces ask functions of the user's, and one that throws costs one request. */
function failed(error: unknown): FrontReply {
  // Whoever decides may ask for patience: that is no failure.
  if (isCrosswireError(error, "XW_OVERLOADED")) {
    const { code, message: reason } = error;
    return { status: 503, code, reason, headers: { "Retry-After": "1" } };
  }
  const seen = error instanceof Error ? error.message : String(error);
  warn(error, "a handler of requests");
  return {
    status: 500,
    code: "XW_REMOTE",
    reason: `what decides about this request failed: ${seen}`,
  };
}

/** The path a request is for, without its query. */
export function pathOf({ url = "/" }: { readonly url?: string | undefined }): string {
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** RFC 9112 3.2.2: what names its authority is passed on as a path; the gate saw that Host says the same. */
function toOriginForm(request: IncomingMessage): void {
  const { url = "" } = request;
  if (url.startsWith("/") || url === "*") return;
  const path = url.slice(url.indexOf("://") + 3).replace(/^[^/?]+/, "");
  request.url = path.startsWith("/") ? path : `/${path}`;
}

function isWebSocket({ headers, method, httpVersionMinor }: IncomingMessage): boolean {
  return (
    method === "GET" && httpVersionMinor === 1 && headers.upgrade?.toLowerCase() === "websocket"
  );
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const value = rawHeaders[i + 1] ?? "";
    if (name.toLowerCase() === "upgrade") continue;
    const isConnection = name.toLowerCase() === "connection";
    text += `${name}: ${isConnection ? withoutToken(value, "upgrade") : value}\r\n`;
  }
  return `${text}\r\n`;
}

function withoutToken(list: string, token: string): string {
  const tokens = list.split(",").map((item) => item.trim());
  return tokens.filter((item) => item.toLowerCase() !== token).join(", ");
}

function keepWhileOpen<Kept extends Socket | Http2Session>(set: Set<Kept>, kept: Kept): void {
  // Some connections come back, see #serveWithoutUpgrade.
  if (set.has(kept)) return;
  set.add(kept);
  kept.once("close", () => set.delete(kept));
}

function destroy(this: Duplex): void {
  this.destroy();
}
