// WebSockets for the tests of what stands between them: applications' clients, and real servers.

import type { IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import {
  type ClientOptions,
  type RawData,
  type ServerOptions,
  WebSocket as WsWebSocket,
  WebSocketServer,
} from "ws";
import { type HttpOriginOptions, openHttpOrigin } from "../engine/http-origin.ts";
import { type Inbox, inbox, until, within } from "../fixtures/wait.ts";

export type MakeClient = (url: string, protocols?: string[]) => WebSocket;

/** Whatever an application may use. */
export const CLIENTS: [name: string, make: MakeClient][] = [
  ["ws", (url, protocols) => new WsWebSocket(url, protocols) as unknown as WebSocket],
];
// Node has it from version 22 on.
if (typeof globalThis.WebSocket === "function") {
  CLIENTS.push(["the global WebSocket", (url, protocols) => new WebSocket(url, protocols)]);
}

export interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** One end of a WebSocket, of whatever kind. */
export interface Watched<Socket> {
  readonly socket: Socket;
  /** Text as it is, bytes as hexadecimal digits or, when there are many, their count. */
  readonly messages: Inbox<string>;
  readonly opened: Promise<unknown>;
  readonly closed: Promise<Ended>;
}

export interface WatchedClient<Socket> extends Watched<Socket> {
  /** It never was open. Node 22 says no more than this. */
  readonly failed: Promise<unknown>;
}

export function watch(socket: WebSocket): WatchedClient<WebSocket> {
  const messages = inbox<string>("a message of a client");
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => messages.put(told(data)));
  const failed = new Promise((resolve) => socket.addEventListener("error", resolve));
  const closed = new Promise<Ended>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  const opened = new Promise((resolve) => socket.addEventListener("open", resolve));
  return {
    socket,
    messages,
    opened: bounded(Promise.race([opened, closed]), "the WebSocket to open"),
    closed: bounded(closed, "the WebSocket to close"),
    failed: bounded(failed, "the WebSocket to fail"),
  };
}

export function wsClient(url: string, options: ClientOptions = {}): WatchedClient<WsWebSocket> {
  const socket = new WsWebSocket(url, options);
  return { ...watch(socket as unknown as WebSocket), socket };
}

export interface ServerSocket extends Watched<WsWebSocket> {
  readonly request: IncomingMessage;
}

export interface RealServer {
  readonly url: string;
  /** The next one that was opened. */
  next(): Promise<ServerSocket>;
  readonly sockets: ReadonlySet<WsWebSocket>;
}

export async function openRealServer({
  certificate,
  ...options
}: ServerOptions & HttpOriginOptions = {}): Promise<RealServer> {
  const origin = await openHttpOrigin(
    (_, response) => response.end(),
    certificate === undefined ? {} : { certificate },
  );
  const server = new WebSocketServer({ ...options, server: origin.server });
  const connections = inbox<ServerSocket>("a connection to the real server");
  server.on("connection", (socket, request) => {
    const messages = inbox<string>("a message at the real server");
    socket.on("message", (data: RawData, isBinary) => {
      messages.put(told(isBinary ? new Uint8Array(data as Buffer) : String(data)));
    });
    socket.on("error", () => {});
    const closed = new Promise<Ended>((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
    });
    const end = bounded(closed, "the real server's socket to close");
    connections.put({ socket, request, messages, opened: Promise.resolve(), closed: end });
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const url = origin.url.replace("http", "ws");
  return { url, next: () => connections.next(), sockets: server.clients };
}

/** Where nobody listens any more. */
export async function deadUrl(): Promise<string> {
  const origin = await openHttpOrigin(() => {});
  await origin.close();
  return origin.url.replace("http", "ws");
}

/** How a client of `ws` is refused. */
export async function refusalOf(client: WsWebSocket): Promise<{ status: number; body: string }> {
  client.on("error", () => {});
  const [, response] = await until(client, "unexpected-response");
  let body = "";
  for await (const chunk of response as IncomingMessage) body += String(chunk);
  return { status: (response as IncomingMessage).statusCode ?? 0, body };
}

function told(data: unknown): string {
  if (typeof data === "string") return data;
  const bytes = Buffer.from(data as ArrayBuffer);
  return bytes.length > 64 ? `${bytes.length} bytes` : bytes.toString("hex");
}

/** Of what a test may not wait for. */
function bounded<T>(promise: Promise<T>, what: string): Promise<T> {
  const waited = within(promise, what);
  waited.catch(() => {});
  return waited;
}
