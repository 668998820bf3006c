// The HTTP server of an IPCServer or a proxy: the gate first, then the surfaces in their order, then 404.
// What a surface is for is its own affair; which one gets a request is decided here.

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Limits } from "../limits.ts";
import type { Gate } from "./gate.ts";
import { createHardenedServer } from "./hardened-server.ts";
import { answerJson, refuseUpgrade } from "./reply.ts";

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Something that is served: each method takes the request, or returns false and leaves it untouched. */
export interface Surface {
  answer?(request: IncomingMessage, response: ServerResponse): boolean;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): boolean;
}

export class Front {
  readonly server: Server;
  #gate: Gate;
  #surfaces: readonly Surface[];

  constructor(gate: Gate, limits: Limits, surfaces: readonly Surface[]) {
    this.#gate = gate;
    this.#surfaces = surfaces;
    this.server = createHardenedServer(limits);
    const answer = (request: IncomingMessage, response: ServerResponse): void =>
      this.#answer(request, response);
    this.server.on("request", answer);
    // Whether the client is to go on is for whoever takes the body to say.
    this.server.on("checkContinue", answer);
    this.server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const refusal = this.#gate.checkVisitor(request);
    if (refusal !== undefined) return answerJson(response, { ...refusal, code: "XW_REFUSED" });
    toOriginForm(request);
    for (const surface of this.#surfaces) {
      if (surface.answer?.(request, response) === true) return;
    }
    const reason = `nothing is served at ${JSON.stringify(pathOf(request))}`;
    answerJson(response, { status: 404, code: "XW_REFUSED", reason });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // SECURITY: without a listener the error of a client that is gone would end the process.
    socket.on("error", destroy);
    if (!isWebSocket(request)) return this.#serveWithoutUpgrade(request, socket, head);
    const refusal = this.#gate.checkVisitorUpgrade(request);
    if (refusal !== undefined) return refuseUpgrade(socket, { ...refusal, code: "XW_REFUSED" });
    if (hasBody(request)) {
      const reason = "an upgrade must not have a body";
      return refuseUpgrade(socket, { status: 400, code: "XW_REFUSED", reason });
    }
    toOriginForm(request);
    for (const surface of this.#surfaces) {
      if (surface.upgrade?.(request, socket, head) === true) return;
    }
    const reason = `no WebSocket is served at ${JSON.stringify(pathOf(request))}`;
    refuseUpgrade(socket, { status: 404, code: "XW_REFUSED", reason });
  }

  /**
   * An upgrade to anything but WebSocket is an offer that a server may ignore, and Java's client makes it with each
   * first request (h2c). Node has left HTTP on this connection, so it is given the request again, without the offer.
   */
  #serveWithoutUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.removeListener("error", destroy);
    const text = headWithoutUpgrade(request);
    socket.unshift(Buffer.concat([Buffer.from(text, "latin1"), head]));
    this.server.emit("connection", socket);
  }
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

/** SECURITY: what follows such a head would be read as WebSocket frames by one and as a body by another. */
function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
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

function destroy(this: Duplex): void {
  this.destroy();
}
