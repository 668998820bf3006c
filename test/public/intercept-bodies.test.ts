// What a handler gets of a request: its body by content type, its headers, and the request itself.

import { once } from "node:events";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import * as zlib from "node:zlib";
import type { IPCServer, IPCServerOptions } from "crosswire";
import { expect, test } from "vitest";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { deferred, inbox, turn, until, within } from "../fixtures/wait.ts";
import { type Ask, ask, oneConnection, open, postJson } from "./intercept-ask.ts";
import { openServer } from "./pair.ts";

interface Echo {
  readonly server: IPCServer;
  /** What the handler was given as the body, in order. */
  readonly bodies: unknown[];
}

async function openEcho(options: IPCServerOptions = {}): Promise<Echo> {
  const server = await openServer(options);
  const bodies: unknown[] = [];
  server.interceptHttp("*", "/*", (body) => void bodies.push(body));
  return { server, bodies };
}

function post(body: string | Uint8Array, type?: string, headers: Ask["headers"] = {}): Ask {
  const contentType = type === undefined ? {} : { "content-type": type };
  return { method: "POST", body, headers: { ...contentType, ...headers } };
}

/** The head of a request whose body a test writes by hand. */
function head(server: IPCServer, lines: string): string {
  return `POST /x HTTP/1.1\r\nHost: 127.0.0.1:${server.getPort()}\r\n${lines}\r\n\r\n`;
}

interface BodyCase {
  readonly what: string;
  readonly asked: Ask;
  readonly body: unknown;
}

const FORM = "application/x-www-form-urlencoded";

test.each<BodyCase>([
  { what: "JSON", asked: post('{"a":[1]}', "application/json"), body: { a: [1] } },
  { what: "JSON null", asked: post("null", "application/json"), body: null },
  { what: "JSON with a charset", asked: post('"é"', "Application/JSON; Charset=UTF-8"), body: "é" },
  {
    what: "JSON behind a byte order mark",
    asked: post("\uFEFF[1]", "application/json"),
    body: [1],
  },
  { what: "JSON of a kind", asked: post("{}", "application/problem+json"), body: {} },
  { what: "text", asked: post("é", "text/plain"), body: "é" },
  {
    what: "text in latin1",
    asked: post(Buffer.from([0xe9, 0x80]), "text/plain; charset=ISO-8859-1"),
    body: "\u00e9\u0080",
  },
  {
    what: "text in UTF-16",
    asked: post(Buffer.from("é", "utf16le"), 'text/html; charset="utf-16le"'),
    body: "é",
  },
  { what: "a form", asked: post("a=1&b=x+y&c=%C3%A9", FORM), body: { a: "1", b: "x y", c: "é" } },
  {
    what: "repeated fields",
    asked: post("a=1&b=2&a=3&a=", FORM),
    body: { a: ["1", "3", ""], b: "2" },
  },
  {
    what: "a GET with a body",
    asked: { ...post("[2]", "application/json", { "content-length": "3" }), method: "GET" },
    body: [2],
  },
  { what: "nothing", asked: { method: "POST" }, body: undefined },
  { what: "nothing, said to be JSON", asked: post("", "application/json"), body: undefined },
  { what: "bytes", asked: post("ab", "application/octet-stream"), body: Buffer.from("ab") },
  { what: "what nobody named", asked: post("ab"), body: Buffer.from("ab") },
])("the body is parsed: $what", async ({ asked, body }) => {
  const { server, bodies } = await openEcho();
  expect((await ask(server, "/x", asked)).status).toBe(200);
  expect(bodies).toEqual([body]);
});

test("a form has no prototype, so its fields are only what was sent", async () => {
  const { server, bodies } = await openEcho();
  const text = "__proto__=a&constructor=b&toString=c&__proto__=d&hasOwnProperty=e";
  await ask(server, "/x", post(text, FORM));
  const [form] = bodies as [object];
  expect(Object.getPrototypeOf(form)).toBe(null);
  expect(Object.entries(form)).toEqual([
    ["__proto__", ["a", "d"]],
    ["constructor", "b"],
    ["toString", "c"],
    ["hasOwnProperty", "e"],
  ]);
  expect(({} as Record<string, unknown>)["a"]).toBe(undefined);
});

test("multipart/form-data is FormData with its files", async () => {
  const { server, bodies } = await openEcho();
  const sent = new FormData();
  sent.set("title", "Ünder");
  sent.set("file", new File([Buffer.from([0, 255])], "a.bin"));
  await fetch(`${server.getUrl()}/x`, { method: "POST", body: sent });
  const [form] = bodies as [FormData];
  expect(form.get("title")).toBe("Ünder");
  const file = form.get("file") as File;
  expect(file.name).toBe("a.bin");
  expect([...new Uint8Array(await file.arrayBuffer())]).toEqual([0, 255]);
});

const { zstdCompressSync } = zlib as { zstdCompressSync?: (text: string) => Buffer };

test.each([
  { coding: "gzip", bytes: gzipSync("[1]") },
  { coding: "X-GZIP", bytes: gzipSync("[1]") },
  { coding: "deflate", bytes: deflateSync("[1]") },
  { coding: "deflate", bytes: deflateRawSync("[1]"), kind: " (without its wrapper)" },
  { coding: "br", bytes: brotliCompressSync("[1]") },
  { coding: "gzip, br", bytes: brotliCompressSync(gzipSync("[1]")) },
  { coding: "identity", bytes: Buffer.from("[1]") },
  ...(zstdCompressSync === undefined ? [] : [{ coding: "zstd", bytes: zstdCompressSync("[1]") }]),
])("a body is decompressed: $coding$kind", async ({ coding, bytes }) => {
  const { server, bodies } = await openEcho();
  const raws: Buffer[] = [];
  server.interceptHttp("POST", "/x", (body, _params, _headers, { rawBody }) => {
    bodies.push(body);
    raws.push(rawBody);
  });
  const headers = { "content-encoding": coding };
  expect((await ask(server, "/x", post(bytes, "application/json", headers))).status).toBe(200);
  expect(bodies).toEqual([[1]]);
  expect(raws).toEqual([bytes]);
});

/** At its best Brotli takes seconds. */
function brotliQuickly(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } });
}

const deep = "[".repeat(200) + "]".repeat(200);

test.each([
  {
    what: "broken JSON",
    asked: post("{", "application/json"),
    status: 400,
    error: /^The body is not JSON: /,
  },
  {
    what: "JSON that nests deeply",
    asked: post(deep, "application/json"),
    status: 400,
    error: /limits\.maxDepth/,
  },
  {
    what: "multipart without a boundary",
    asked: post("x", "multipart/form-data"),
    status: 400,
    error: /multipart/,
  },
  {
    what: "broken gzip",
    asked: post("x", "text/plain", { "content-encoding": "gzip" }),
    status: 400,
    error: /as gzip/,
  },
  {
    what: "gzip that is cut off",
    asked: post(gzipSync("hello").subarray(0, 15), "text/plain", { "content-encoding": "gzip" }),
    status: 400,
    error: /as gzip/,
  },
  {
    what: "an unknown coding",
    asked: post("x", "text/plain", { "content-encoding": "lzma" }),
    status: 415,
    error: /"lzma"/,
  },
  {
    what: "a coding that is the name of a property",
    asked: post("x", "text/plain", { "content-encoding": "constructor" }),
    status: 415,
    error: /"constructor"/,
  },
  {
    what: "too many codings",
    asked: post("x", "text/plain", { "content-encoding": "gzip,gzip,gzip,gzip" }),
    status: 415,
    error: /Content-Encoding/,
  },
  {
    what: "an unknown charset",
    asked: post("x", "text/plain; charset=klingon"),
    status: 415,
    error: /"klingon"/,
  },
])(
  "a body that cannot be read is refused, and the connection goes on: $what",
  async ({ asked, status, error }) => {
    const { server, bodies } = await openEcho();
    const agent = oneConnection();
    const refused = await ask(server, "/x", { ...asked, agent });
    expect(refused).toMatchObject({
      status,
      json: { error: expect.stringMatching(error) as string },
    });
    expect(refused.json).toHaveProperty("code", expect.stringMatching(/^XW_/));
    expect(refused.headers.connection).toBe("keep-alive");
    expect(bodies).toEqual([]);
    expect((await ask(server, "/x", { ...post("ok", "text/plain"), agent })).status).toBe(200);
    expect(bodies).toEqual(["ok"]);
  },
);

test("a body of exactly the limit is read, one byte more is refused", async () => {
  const { server, bodies } = await openEcho({ limits: { maxBodyBytes: 100 } });
  expect((await ask(server, "/x", post("a".repeat(100)))).status).toBe(200);
  const { status, json, headers } = await ask(server, "/x", post("a".repeat(101)));
  expect({ status, json }).toEqual({
    status: 413,
    json: { error: "The body is larger than limits.maxBodyBytes (100).", code: "XW_LIMIT" },
  });
  expect(headers.connection).toBe("close");
  expect(bodies).toHaveLength(1);
});

test("a chunked body above the limit is refused while it still comes", async () => {
  const { server, bodies } = await openEcho({ limits: { maxBodyBytes: 10 } });
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`${head(server, "Transfer-Encoding: chunked")}8\r\n12345678\r\n8\r\n12345678\r\n`);
  const { status, head: answered } = await raw.answer();
  expect(status).toBe(413);
  expect(answered).toMatch(/^connection: close\r$/im);
  await raw.closed();
  expect(bodies).toEqual([]);
});

test.each([
  { client: "node:http", send: (server: IPCServer, body: Buffer) => ask(server, "/x", post(body)) },
  {
    client: "fetch",
    send: (server: IPCServer, body: Buffer) =>
      fetch(`${server.getUrl()}/x`, { method: "POST", body }),
  },
])("$client learns that its huge body is too large while it still sends it", async ({ send }) => {
  const { server, bodies } = await openEcho({ limits: { maxBodyBytes: 1_000 } });
  expect((await send(server, Buffer.alloc(64 * 1024 * 1024))).status).toBe(413);
  expect(bodies).toEqual([]);
});

test.each([
  { coding: "gzip", pack: gzipSync },
  { coding: "deflate", pack: deflateSync },
  { coding: "br", pack: brotliQuickly },
])("a body that $coding blows up is refused without being unpacked", async ({ coding, pack }) => {
  const { server, bodies } = await openEcho({ limits: { maxBodyBytes: 1_000_000 } });
  const bomb = pack(Buffer.alloc(64 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(100_000);
  const before = process.memoryUsage().rss;
  const headers = { "content-encoding": coding };
  const answers = await Promise.all(
    [1, 2, 3].map(() => ask(server, "/x", post(bomb, "text/plain", headers))),
  );
  expect(answers.map(({ status }) => status)).toEqual([413, 413, 413]);
  expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024);
  expect(bodies).toEqual([]);
});

test.each([
  { framing: "Content-Length", lines: "Content-Length: 10", part: "12345" },
  { framing: "chunks", lines: "Transfer-Encoding: chunked", part: "5\r\n12345\r\n" },
])("the handler does not run for a body by $framing whose client left", async ({ lines, part }) => {
  const { server, bodies } = await openEcho();
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, lines) + part);
  // The next answer shows that the server has read what was sent before it.
  await ask(server, "/x", post("next", "text/plain"));
  raw.reset();
  await ask(server, "/x", post("last", "text/plain"));
  expect(bodies).toEqual(["next", "last"]);
});

test("a body that is framed wrongly is refused, and its handler does not run", async () => {
  const { server, bodies } = await openEcho();
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`${head(server, "Transfer-Encoding: chunked")}2\r\nab\r\nzz\r\n`);
  expect((await raw.answer()).status).toBe(400);
  expect(bodies).toEqual([]);
});

test("a body that comes byte by byte is waited for", async () => {
  const { server, bodies } = await openEcho();
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, "Content-Type: text/plain\r\nContent-Length: 5"));
  for (const byte of "hello") {
    raw.write(byte);
    await turn();
  }
  expect((await raw.answer()).status).toBe(200);
  expect(bodies).toEqual(["hello"]);
});

test("a client that waits for it is told to go on when its body is wanted", async () => {
  const { server, bodies } = await openEcho();
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, "Expect: 100-continue\r\nContent-Type: text/plain\r\nContent-Length: 2"));
  await until(() => raw.received.includes("100 Continue\r\n\r\n"), "100 Continue");
  raw.received = Buffer.alloc(0);
  raw.write("ok");
  expect((await raw.answer()).status).toBe(200);
  expect(bodies).toEqual(["ok"]);
});

test("a client that waits is refused a body that is too large before it sends it", async () => {
  const { server } = await openEcho({ limits: { maxBodyBytes: 10 } });
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, "Expect: 100-continue\r\nContent-Length: 11"));
  expect((await raw.answer()).status).toBe(413);
});

test("headers have lower-cased names and no prototype", async () => {
  const server = await openServer();
  let seen: object = {};
  server.interceptHttp("GET", "/", (_body, _params, headers) => void (seen = headers));
  await ask(server, "/", { headers: { "X-One": "1", "x-two": ["a", "b"] } });
  expect(Object.getPrototypeOf(seen)).toBe(null);
  expect(seen).toMatchObject({
    "x-one": "1",
    "x-two": "a, b",
    host: `127.0.0.1:${server.getPort()}`,
  });
});

test("the request says how it was asked", async () => {
  const server = await openServer();
  server.interceptHttp("PUT", "/a/:b", (_body, _params, _headers, request) => ({
    method: request.method,
    url: request.url,
    path: request.path,
    tags: request.query.getAll("tag"),
    raw: request.rawHeaders.slice(0, 2),
    body: request.rawBody.toString(),
    version: request.incoming.httpVersion,
  }));
  const asked = { method: "PUT", headers: { "X-Case": "kept" }, body: "raw" };
  expect((await ask(server, "/a/%7Eb?tag=1&tag=%C3%A9&x", asked)).json).toEqual({
    method: "PUT",
    url: "/a/%7Eb?tag=1&tag=%C3%A9&x",
    path: "/a/%7Eb",
    tags: ["1", "é"],
    raw: ["X-Case", "kept"],
    body: "raw",
    version: "1.1",
  });
});

test("the signal fires when the client leaves while its handler runs", async () => {
  const server = await openServer();
  const signals = inbox<AbortSignal>();
  server.interceptHttp("GET", "/", (_body, _params, _headers, { signal }) => {
    signals.put(signal);
    return new Promise(() => {});
  });
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.getPort()}\r\n\r\n`);
  const signal = await signals.next();
  expect(signal.aborted).toBe(false);
  const aborted = within(once(signal, "abort"), "the signal");
  raw.reset();
  await aborted;
  expect(signal.reason).toMatchObject({
    code: "XW_CANCELLED",
    message: "The client of GET / went away before it had its answer.",
  });
});

test("the signal does not fire after a whole answer", async () => {
  const server = await openServer();
  const signals: AbortSignal[] = [];
  server.interceptHttp(
    "GET",
    "/",
    (_body, _params, _headers, { signal }) => void signals.push(signal),
  );
  const agent = oneConnection();
  await ask(server, "/", { agent });
  agent.destroy();
  await ask(server, "/");
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
});

test("closing the server cuts off handlers that run, and their signal fires", async () => {
  const server = await openServer();
  const signals = inbox<AbortSignal>();
  server.interceptHttp("GET", "/", (_body, _params, _headers, { signal }) => {
    signals.put(signal);
    return new Promise(() => {});
  });
  const answer = ask(server, "/").catch((error: Error) => error.message);
  const signal = await signals.next();
  await within(server.close({ graceMs: 0 }), "the server to close");
  expect(await answer).toMatch(/socket hang up|ECONNRESET/);
  await until(() => signal.aborted);
});

test("a streamed body is given piece by piece, without a limit", async () => {
  const server = await openServer({ limits: { maxBodyBytes: 4 } });
  const pieces = inbox<string>();
  server.interceptHttp(
    "POST",
    "/x",
    async (body) => {
      for await (const piece of body) pieces.put(Buffer.from(piece).toString());
      return "read";
    },
    { body: "stream" },
  );
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, "Content-Type: application/json\r\nTransfer-Encoding: chunked"));
  raw.write("6\r\nfirst \r\n");
  expect(await pieces.next()).toBe("first ");
  raw.write("6\r\nsecond\r\n0\r\n\r\n");
  expect(await pieces.next()).toBe("second");
  expect((await raw.answer()).body).toBe('"read"');
});

test("who does not read a streamed body holds back its client", async () => {
  const server = await openServer();
  const release = deferred();
  server.interceptHttp(
    "POST",
    "/x",
    async (body) => {
      await release.promise;
      let size = 0;
      for await (const piece of body) size += piece.length;
      return size;
    },
    { body: "stream" },
  );
  const size = 32 * 1024 * 1024;
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, `Content-Length: ${size}`));
  raw.write(Buffer.alloc(size));
  // Each of these takes the server several turns, in which it could read on.
  server.interceptHttp("GET", "/turn", () => 1);
  const agent = oneConnection();
  for (let n = 0; n < 200; n++) await ask(server, "/turn", { agent });
  expect(raw.socket.writableLength).toBeGreaterThan(size / 2);
  release.resolve();
  expect((await raw.answer()).body).toBe(String(size));
});

test("a streamed body fails for its reader when the client leaves", async () => {
  const server = await openServer();
  const failures = inbox<unknown>();
  const started = deferred();
  server.interceptHttp(
    "POST",
    "/x",
    async (body) => {
      try {
        for await (const _piece of body) started.resolve();
      } catch (error) {
        failures.put(error);
      }
    },
    { body: "stream" },
  );
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`${head(server, "Content-Length: 10")}12345`);
  await started.promise;
  raw.reset();
  expect(await failures.next()).toBeInstanceOf(Error);
});

test("a client that leaves a streamed body that nobody reads harms nobody", async () => {
  const server = await openServer();
  const signals = inbox<AbortSignal>();
  server.interceptHttp(
    "POST",
    "/x",
    (_body, _params, _headers, { signal }) => {
      signals.put(signal);
      return new Promise(() => {});
    },
    { body: "stream" },
  );
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`${head(server, "Content-Length: 10")}12345`);
  const signal = await signals.next();
  raw.reset();
  await until(() => signal.aborted);
  server.interceptHttp("GET", "/ok", () => "ok");
  expect((await ask(server, "/ok")).json).toBe("ok");
});

test("an answer before a streamed body was read leaves the connection usable", async () => {
  const server = await openServer();
  server.interceptHttp("POST", "/x", () => ({ statusCode: 403 }), { body: "stream" });
  const raw = await RawSocket.connect(server.getPort());
  const request = `${head(server, "Content-Length: 5")}12345`;
  raw.write(request + request);
  expect((await raw.answer()).status).toBe(403);
  expect((await raw.answer()).status).toBe(403);
});

test("a client that waits is told to go on only when the stream is read", async () => {
  const server = await openServer();
  const release = deferred();
  server.interceptHttp(
    "POST",
    "/x",
    async (body, _params, headers) => {
      if (headers["x-unwanted"] !== undefined) return "unwanted";
      await release.promise;
      const chunks: Uint8Array[] = [];
      for await (const piece of body) chunks.push(piece);
      return Buffer.concat(chunks).toString();
    },
    { body: "stream" },
  );
  const lines = "Expect: 100-continue\r\nContent-Length: 2";
  const unwanted = await RawSocket.connect(server.getPort());
  unwanted.write(head(server, `${lines}\r\nX-Unwanted: 1`));
  expect(await unwanted.answer()).toMatchObject({ status: 200, body: '"unwanted"' });
  const wanted = await RawSocket.connect(server.getPort());
  wanted.write(head(server, lines));
  await ask(server, "/x", { method: "POST", headers: { "x-unwanted": "1" } });
  expect(wanted.received.toString()).toBe("");
  release.resolve();
  await until(() => wanted.received.includes("100 Continue\r\n\r\n"), "100 Continue");
  wanted.received = Buffer.alloc(0);
  wanted.write("ok");
  expect((await wanted.answer()).body).toBe('"ok"');
});

test("a streamed body has no raw body", async () => {
  const server = await openServer();
  server.interceptHttp("POST", "/x", (_body, _params, _headers, r) => r.rawBody, {
    body: "stream",
  });
  const { status, json } = await ask(server, "/x", post("a"));
  expect(status).toBe(500);
  expect(json).toMatchObject({ error: expect.stringContaining("no rawBody") as string });
});

test("toRequest makes a request that fetch passes on", async () => {
  const real = await openServer();
  real.interceptHttp("*", "/base/*", (_body, _params, headers, { method, url, rawBody }) => ({
    method,
    url,
    headers,
    body: rawBody.toString("latin1"),
  }));
  const server = await openServer();
  server.interceptHttp("*", "/*", (_body, _params, _headers, request) =>
    fetch(request.toRequest(`${real.getUrl()}/base/`)),
  );
  const compressed = gzipSync('{"a":1}');
  const { json } = await ask(server, "/a%2Fb?c=%20d", {
    method: "POST",
    body: compressed,
    headers: {
      "content-type": "application/json",
      "content-encoding": "gzip",
      "x-kept": "yes",
      "x-hop": "1",
      cookie: "a=b",
      connection: "close, X-Hop",
      te: "trailers",
      "proxy-authorization": "Basic secret",
    },
  });
  expect(json).toMatchObject({
    method: "POST",
    url: "/base/a%2Fb?c=%20d",
    body: compressed.toString("latin1"),
    headers: { "content-encoding": "gzip", "x-kept": "yes", cookie: "a=b" },
  });
  const { headers } = json as { headers: Record<string, string> };
  expect(headers["host"]).toBe(`127.0.0.1:${real.getPort()}`);
  expect(Object.keys(headers)).not.toContain("x-hop");
  expect(Object.keys(headers)).not.toContain("proxy-authorization");
  expect(headers["te"]).toBe(undefined);
});

test("toRequest without a target is the request as it was asked, for a handler that takes one", async () => {
  const server = await openServer();
  const app = async (request: Request): Promise<Response> =>
    Response.json([request.method, request.url, await request.text()]);
  server.interceptHttp("*", "/*", (_body, _params, _headers, request) => app(request.toRequest()));
  expect((await ask(server, "/a?b", postJson([1]))).json).toEqual([
    "POST",
    `${server.getUrl()}/a?b`,
    "[1]",
  ]);
  expect((await ask(server, "/a?b")).json).toEqual(["GET", `${server.getUrl()}/a?b`, ""]);
});

test("a target with a query is refused, because it would get lost", async () => {
  const server = await openServer();
  server.interceptHttp(
    "GET",
    "/",
    (_body, _params, _headers, r) => r.toRequest("http://x/?a") && 1,
  );
  const { status, json } = await ask(server, "/");
  expect(status).toBe(500);
  expect(json).toMatchObject({
    error: expect.stringContaining("give its base URL only") as string,
  });
});

test("a streamed request is passed on as it comes, and so is its answer", async () => {
  const real = await openServer();
  real.interceptHttp("POST", "/up", (body) => new Response(body), { body: "stream" });
  const server = await openServer();
  const forward = (request: Request): Promise<Response> => fetch(request);
  server.interceptHttp("POST", "/up", (_body, _p, _h, r) => forward(r.toRequest(real.getUrl())), {
    body: "stream",
  });
  const raw = await RawSocket.connect(server.getPort());
  raw.write(head(server, "Transfer-Encoding: chunked").replace("/x", "/up"));
  raw.write("3\r\none\r\n");
  await until(() => raw.received.includes("one"), "the first piece to come back");
  raw.write("3\r\ntwo\r\n0\r\n\r\n");
  await until(() => raw.received.includes("0\r\n\r\n"), "the end");
  expect(raw.received.toString()).toMatch(/two\r\n0\r\n\r\n$/);
});

test("what is forwarded is given up when the client leaves", async () => {
  const real = await openServer();
  const signals = inbox<AbortSignal>();
  real.interceptHttp("GET", "/slow", (_body, _params, _headers, { signal }) => {
    signals.put(signal);
    return new Promise(() => {});
  });
  const server = await openServer();
  server.interceptHttp("GET", "/slow", (_body, _params, _headers, request) =>
    fetch(request.toRequest(real.getUrl())),
  );
  const raw = await RawSocket.connect(server.getPort());
  raw.write(`GET /slow HTTP/1.1\r\nHost: 127.0.0.1:${server.getPort()}\r\n\r\n`);
  const signal = await signals.next();
  raw.reset();
  await until(() => signal.aborted, "the forwarded request to be given up");
});

test("an answer comes although its handler read only the beginning of a large body", async () => {
  const server = await openServer();
  server.interceptHttp(
    "POST",
    "/x",
    async (body) => {
      for await (const piece of body) return piece.length > 0;
      return false;
    },
    { body: "stream" },
  );
  const incoming = await open(server, "/x", post(Buffer.alloc(4 * 1024 * 1024)));
  incoming.resume();
  await within(once(incoming, "end"), "the answer");
  expect(incoming.statusCode).toBe(200);
});
