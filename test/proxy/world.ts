// Proxies, clients and places for the tests of createProxy and the CLI. All is closed when the test is over.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as httpRequest,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import {
  type AccessEntry,
  createProxy,
  loadMicrofrontends,
  type Microfrontends,
  type ProxyOptions,
  type ReverseProxy,
} from "crosswire/http";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { CA } from "../engine/http-origin.ts";
import { portOf } from "../fixtures/strict-origin.ts";
import { type Inbox, inbox, until, within } from "../fixtures/wait.ts";

export interface OpenProxy {
  readonly proxy: ReverseProxy;
  readonly port: number;
  /** With 127.0.0.1, so that nobody has to look a name up. */
  readonly url: string;
  /** What the access log got. */
  readonly entries: Inbox<AccessEntry>;
}

export async function openProxy(options: ProxyOptions): Promise<OpenProxy> {
  const entries = inbox<AccessEntry>("an entry of the access log");
  const proxy = createProxy({ port: 0, onAccess: entries.put, ...options });
  onTestFinished(() => proxy.close({ graceMs: 1 }));
  await proxy.start();
  const port = proxy.getPort();
  const scheme = options.tls === undefined ? "http" : "https";
  return { proxy, port, url: `${scheme}://127.0.0.1:${port}`, entries };
}

/** The path of a microfrontends.json in a directory of its own; a value is written with two spaces of indentation. */
export function writeConfig(config: unknown, name = "microfrontends.json"): string {
  const directory = mkdtempSync(join(tmpdir(), "crosswire-config-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config, null, 2));
  return file;
}

/** One application, shorter than the file has it. */
export interface AppConfig {
  readonly local?: unknown;
  readonly fallback?: unknown;
  readonly task?: string;
  readonly paths?: readonly string[];
  readonly flag?: string;
  /** Whatever else the file can say. */
  readonly extra?: object;
}

export function microfrontendsOf(
  apps: Readonly<Record<string, AppConfig>>,
  options: object = {},
): Microfrontends {
  const applications = Object.entries(apps).map(
    ([name, { paths, flag, extra, ...development }]) => [
      name,
      {
        development,
        ...(paths === undefined ? {} : { routing: [{ paths, ...(flag && { flag }) }] }),
        ...extra,
      },
    ],
  );
  return loadMicrofrontends(
    writeConfig({ applications: Object.fromEntries(applications) as object, options }),
  );
}

/** Resolves when `count` requests came and each waits for its application. */
export async function untilHeld({ proxy }: OpenProxy, count = 1): Promise<void> {
  await until(() => {
    const { counters, engine } = proxy.stats();
    return counters.requests === count && engine.exchanges === 0;
  }, `${count} held requests`);
}

/** A port on which nobody listens yet. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await until(server, "listening");
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function isUnused(port: number): Promise<boolean> {
  const server = createServer();
  const isFree = new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: RequestOptions["headers"];
  readonly body?: string | Buffer;
  /** Sent as it is, where a URL would be made proper. */
  readonly target?: string;
}

/** One request on a connection of its own. */
export async function ask(url: string, asked: Asked = {}): Promise<Answer> {
  const request = begin(url, asked);
  request.end(asked.body);
  const responded = until(request, "response") as Promise<[IncomingMessage]>;
  const failed = new Promise<never>((_resolve, reject) => request.once("error", reject));
  const [response] = await Promise.race([responded, failed]);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    body: String(Buffer.concat(chunks)),
  };
}

/** The same, for a test that sends the body itself. */
export function begin(
  url: string,
  { method = "GET", headers = {}, target }: Asked = {},
): ClientRequest {
  const path = target === undefined ? {} : { path: target };
  const options = { method, headers, agent: false as const, ...path };
  const request = url.startsWith("https:")
    ? httpsRequest(url, { ...options, ca: CA, servername: "localhost" })
    : httpRequest(url, options);
  onTestFinished(() => void request.destroy());
  return request;
}

export function jsonOf({ body }: Answer): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>;
}

export interface OpenSocket {
  readonly ws: WebSocket;
  readonly messages: Inbox<string>;
  /** Resolves with the code and reason of its end. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface SocketRefusal {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Rejects when the upgrade is refused. */
export async function openSocket(url: string, options: ClientOptions = {}): Promise<OpenSocket> {
  const ws = new WebSocket(url.replace(/^http/, "ws"), options);
  onTestFinished(() => ws.terminate());
  const messages = inbox<string>("a message of a WebSocket");
  ws.on("message", (data) => messages.put(String(data)));
  const ended = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.once("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  const opened = new Promise<void>((resolve, reject) => {
    ws.once("open", resolve);
    ws.once("error", reject);
  });
  await within(opened, "the WebSocket to open");
  return { ws, messages, closed: within(ended, "the WebSocket to close", 15_000) };
}

/** The answer to an upgrade that is refused. */
export async function refusedSocket(
  url: string,
  options: ClientOptions = {},
): Promise<SocketRefusal> {
  const ws = new WebSocket(url.replace(/^http/, "ws"), options);
  ws.on("error", () => {});
  const [, response] = (await until(ws, "unexpected-response")) as [unknown, IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  ws.terminate();
  const { statusCode: status = 0, headers } = response;
  return { status, headers, body: String(Buffer.concat(chunks)) };
}
