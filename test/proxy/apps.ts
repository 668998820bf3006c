// Small applications to stand behind a proxy: each tells who it is and what it was asked.

import type { IncomingHttpHeaders } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import { type HttpOrigin, type HttpOriginOptions, openHttpOrigin } from "../engine/http-origin.ts";

/** What an application says it was asked. */
export interface Echo {
  readonly app: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the application that answered was asked. */
export function echoOf({ body }: { readonly body: string }): Echo {
  return JSON.parse(body) as Echo;
}

export interface App extends HttpOrigin {
  /** Open WebSockets. */
  readonly sockets: number;
  /** With what codes its WebSockets were closed. */
  readonly closes: readonly number[];
}

/** Answers requests with an Echo, and WebSockets with its name and then with each message that comes. */
export async function openApp(name: string, options: HttpOriginOptions = {}): Promise<App> {
  const origin = await openHttpOrigin((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      const body = String(Buffer.concat(chunks));
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ app: name, method, url, headers, body }));
    });
  }, options);
  const closes: number[] = [];
  const wss = new WebSocketServer({ server: origin.server });
  wss.on("connection", (ws, request) => {
    ws.send(`${name} ${request.url}`);
    ws.on("message", (data) => ws.send(`${name}: ${String(data)}`));
    ws.on("close", (code) => closes.push(code));
    ws.on("error", () => {});
  });
  onTestFinished(() => wss.close());
  // A spread would freeze what the getters tell.
  return Object.assign(Object.create(origin) as HttpOrigin, {
    closes,
    get sockets() {
      return wss.clients.size;
    },
  });
}
