// What the front itself says to HTTP clients: small JSON answers, to requests and to upgrades.

import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

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
  405: "Method Not Allowed",
  413: "Content Too Large",
  426: "Upgrade Required",
  431: "Request Header Fields Too Large",
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
  if (!response.req.complete) headers["Connection"] = "close";
  response.writeHead(reply.status, headers).end(body);
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
