// What the front itself says to HTTP clients: small JSON answers, to requests and to upgrades.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** An answer of the front itself, as JSON. */
export interface FrontReply {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Said in the body beside code and reason. */
  readonly details?: Readonly<Record<string, string>>;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  508: "Loop Detected",
};

/** Answers a request, and closes the connection when the rest of its body would have to be read first. */
export function answerJson(response: ServerResponse, reply: FrontReply): void {
  const body = bodyOf(reply);
  const headers = headersOf(reply, body);
  // SECURITY: after a head that could be read in two ways, so could what follows it.
  if (reply.status === 400) closeAfter(response);
  closeIfUnread(response);
  response.writeHead(reply.status, headers).end(body);
}

/** Nobody reads the rest of the body, so the next request on this connection could not be found behind it. */
export function closeIfUnread(response: ServerResponse): void {
  const { req } = response;
  if (!req.complete && hasBody(req)) closeAfter(response);
}

export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** Answers a request with a value of ours. */
export function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  const headers = { "Cache-Control": "no-store", ...headersOf({}, body) };
  response.writeHead(status, headers).end(body);
}

/** Answers an upgrade with plain HTTP and closes the connection. */
export function refuseUpgrade(socket: Duplex, reply: FrontReply): void {
  const body = bodyOf(reply);
  if (isHttp2Stream(socket)) {
    socket.respond({ ":status": reply.status, ...headersOf(reply, body) });
    return void socket.end(body);
  }
  const headers = Object.entries(headersOf(reply, body)).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const statusLine = `HTTP/1.1 ${reply.status} ${STATUS_TEXT[reply.status] ?? "Error"}\r\n`;
  // The client may still be sending: with a half-open socket left behind, its end would never be seen.
  socket.once("finish", () => socket.destroy());
  socket.end(`${statusLine}${headers.join("")}Connection: close\r\n\r\n${body}`);
}

/** HTTP/2 has a stream for each request, and no such field. */
function closeAfter(response: ServerResponse): void {
  const { req } = response;
  if (req.httpVersionMajor !== 1) return;
  ending.add(req.socket);
  response.setHeader("Connection", "close");
}

/** Connections whose last answer was given; Node would still hand over requests that came behind. */
const ending = new WeakSet<Socket>();

export function isBehindLast({ socket }: IncomingMessage): boolean {
  return ending.has(socket);
}

function isHttp2Stream(socket: Duplex): socket is ServerHttp2Stream {
  return "respond" in socket;
}

function bodyOf({ code, reason, details }: FrontReply): string {
  return JSON.stringify({ error: reason, code, ...details });
}

/** The header that tells our client, in whatever status it gets, that this is Crosswire. */
function headersOf({ headers }: Pick<FrontReply, "headers">, body: string): Record<string, string> {
  return {
    "Crosswire-Protocol": "1",
    "Content-Type": "application/json; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "X-Content-Type-Options": "nosniff",
    ...headers,
  };
}
