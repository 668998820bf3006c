// The clients whose requests are captured, as data: each sends a request in its own way and tells what came in one way.

import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";
import { onTestFinished } from "vitest";
import * as undici from "undici";
import type { Dispatcher } from "undici";
import * as undici5 from "undici5";
import * as undici6 from "undici6";
import { CA } from "../engine/http-origin.ts";
import { LIBRARIES } from "./libraries.ts";

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
  /** Trusts the certificates of the tests, where the client can be told so. */
  readonly trusts?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly statusText?: string | undefined;
  /** `set-cookie` with all its values. */
  header(name: string): readonly string[];
  text(): Promise<string>;
  readonly body: AsyncIterable<Uint8Array>;
  trailers?(): NodeJS.Dict<string>;
}

export interface TestClient {
  readonly name: string;
  readonly kind: "fetch" | "undici" | "http";
  /** Whether it can be told whom to trust. */
  readonly hasTrust: boolean;
  /** Whether what it hands out is decompressed. */
  readonly decompresses: boolean;
  send(url: string, sent?: Sent): Promise<Reply>;
}

type Fetch = typeof fetch;

function fetchClient(name: string, run: Fetch): TestClient {
  const send = async (url: string, { body, ...sent }: Sent = {}): Promise<Reply> => {
    const stream =
      body instanceof Uint8Array || body === undefined ? body : Readable.toWeb(Readable.from(body));
    const init = { ...sent, ...(body === undefined ? {} : { body: stream, duplex: "half" }) };
    const response = await run(url, init as RequestInit);
    return {
      status: response.status,
      statusText: response.statusText,
      header: (field) =>
        field === "set-cookie"
          ? response.headers.getSetCookie()
          : [response.headers.get(field) ?? []].flat(),
      text: () => response.text(),
      body: (response.body ?? Readable.from([])) as AsyncIterable<Uint8Array>,
    };
  };
  return { name, kind: "fetch", hasTrust: false, decompresses: true, send };
}

interface Opened {
  request(options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  destroy?(): Promise<void>;
}

type Open = (origin: string, trusts: boolean) => Opened;

function undiciClient(name: string, open: Open): TestClient {
  const send = async (
    url: string,
    { trusts = false, body, method = "GET", ...sent }: Sent = {},
  ): Promise<Reply> => {
    const { origin, pathname, search } = new URL(url);
    const opened = open(origin, trusts);
    onTestFinished(() => opened.destroy?.());
    const response = await opened.request({
      ...sent,
      method,
      origin,
      path: pathname + search,
      body: body === undefined || body instanceof Uint8Array ? (body ?? null) : Readable.from(body),
    });
    return {
      status: response.statusCode,
      header: (field) => [response.headers[field] ?? []].flat(),
      text: () => response.body.text(),
      body: response.body,
      trailers: () => response.trailers,
    };
  };
  return { name, kind: "undici", hasTrust: true, decompresses: false, send };
}

const connect = (trusts: boolean): { connect?: { ca: string } } =>
  trusts ? { connect: { ca: CA } } : {};

/** What this needs of a copy of undici, whatever its version. */
export interface UndiciCopy {
  readonly fetch: Fetch;
  request(origin: string, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData>;
  readonly Agent: new (options: object) => Dispatcher;
  readonly Pool: new (origin: string, options: object) => Dispatcher;
  readonly Client: new (origin: string, options: object) => Dispatcher;
}

/** The clients that one copy has. */
export function undiciClients(name: string, copy: UndiciCopy): readonly TestClient[] {
  const { Agent, Pool, Client } = copy;
  const global = (origin: string): Opened => ({
    request: (options) => copy.request(origin, options),
  });
  return [
    fetchClient(`${name}.fetch`, copy.fetch),
    { ...undiciClient(`${name}.request`, global), hasTrust: false },
    undiciClient(`an Agent of ${name}`, (_, trusts) => new Agent(connect(trusts))),
    undiciClient(`a Pool of ${name}`, (origin, trusts) => new Pool(origin, connect(trusts))),
    undiciClient(`a Client of ${name}`, (origin, trusts) => new Client(origin, connect(trusts))),
  ];
}

type Make = (url: string, options: RequestOptions) => http.ClientRequest;

function httpClient(name: string, make: Make): TestClient {
  const send = async (url: string, { trusts, body, ...sent }: Sent = {}): Promise<Reply> => {
    const outgoing = make(url, { ...sent, ...(trusts === true ? { ca: CA } : {}) });
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on("response", resolve).on("error", reject);
    });
    if (body === undefined || body instanceof Uint8Array) outgoing.end(body);
    else Readable.from(body).pipe(outgoing);
    const response = await answered;
    return {
      status: response.statusCode ?? 0,
      statusText: response.statusMessage,
      header: (field) => [response.headers[field] ?? []].flat(),
      text: () => text(response),
      body: response,
      trailers: () => response.trailers,
    };
  };
  return { name, kind: "http", hasTrust: true, decompresses: false, send };
}

const make: Make = (url, options) =>
  (url.startsWith("https:") ? https : http).request(url, options);

/** Taken out of their modules before anything is captured; an import by name would follow what is in the module. */
const early = { http: http.request, https: https.request };
const load = createRequire(import.meta.url);
const { request: required } = load("http") as typeof http;
const { request: requiredSecure } = load("https") as typeof https;

/** Version 8 is not for every Node that we are for. */
const undici8: UndiciCopy | undefined = isSince(22, 19) ? await loadUndici8() : undefined;

export const UNDICI_COPIES: readonly (readonly [name: string, copy: UndiciCopy])[] = [
  ["undici 5", undici5 as unknown as UndiciCopy],
  ["undici 6", undici6 as unknown as UndiciCopy],
  ["undici", undici as unknown as UndiciCopy],
  ...(undici8 === undefined ? [] : ([["undici 8", undici8]] as const)),
];

export const CLIENTS: readonly TestClient[] = [
  fetchClient("fetch", (url, init) => fetch(url, init)),
  ...UNDICI_COPIES.flatMap(([name, copy]) => undiciClients(name, copy)),
  httpClient("http.request", make),
  httpClient("a request function taken before", (url, options) =>
    (url.startsWith("https:") ? early.https : early.http)(url, options),
  ),
  httpClient("a request function that was required before", (url, options) =>
    (url.startsWith("https:") ? requiredSecure : required)(url, options),
  ),
  httpClient("http.request with a keep-alive agent", (url, options) => {
    const Keeping = url.startsWith("https:") ? https.Agent : http.Agent;
    const agent = new Keeping({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    return make(url, { ...options, agent });
  }),
  httpClient("http.request without an agent", (url, options) =>
    make(url, { ...options, agent: false }),
  ),
  ...LIBRARIES,
];

/** It puts a dispatcher of its own in the place of the one that fetch has; the other tests want that one. */
async function loadUndici8(): Promise<UndiciCopy> {
  void globalThis.Response;
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const key = Symbol.for("undici.globalDispatcher.1");
  const before = globals[key];
  const copy = (await import("undici8")) as unknown as UndiciCopy;
  if (before !== undefined) globals[key] = before;
  return copy;
}

function isSince(major: number, minor: number): boolean {
  const [ours = 0, oursMinor = 0] = process.versions.node.split(".").map(Number);
  return ours > major || (ours === major && oursMinor >= minor);
}
