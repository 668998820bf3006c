// A proxy with a certificate: HTTP/2, HTTP/1.1 and WebSockets over both, on one port.

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { CA, credentials, openHttpOrigin } from "../engine/http-origin.ts";
import { inbox, until, within } from "../fixtures/wait.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import {
  ask,
  microfrontendsOf,
  type OpenProxy,
  openProxy,
  openSocket,
  refusedSocket,
  unusedPort,
} from "../proxy/world.ts";

const TLS = credentials("localhost");

async function openSession({ port }: OpenProxy): Promise<ClientHttp2Session> {
  const session = connect(`https://localhost:${port}`, { ca: CA, lookup: toLoopback });
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  await until(session, "remoteSettings");
  return session;
}

/** Not every machine's resolver has both addresses, and the proxy listens on this one. */
const toLoopback = ((
  _host: string,
  { all }: { all?: boolean },
  callback: (...args: unknown[]) => void,
) =>
  all === true
    ? callback(null, [{ address: "127.0.0.1", family: 4 }])
    : callback(null, "127.0.0.1", 4)) as never;

interface Answer2 {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer2> {
  const [headers] = (await until(stream, "response")) as [IncomingHttpHeaders];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return {
    status: Number(headers[":status"]),
    headers,
    body: String(Buffer.concat(chunks)),
  };
}

function get(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer2> {
  return answerOf(session.request({ ":path": path, ...headers }));
}

/** A WebSocket on a stream of a session: RFC 8441, with the frames of `ws`. */
async function webSocketOver(
  session: ClientHttp2Session,
  path: string,
  headers: OutgoingHttpHeaders = {},
): Promise<{ readonly stream: ClientHttp2Stream; readonly head: IncomingHttpHeaders }> {
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": path,
    "sec-websocket-version": "13",
    ...headers,
  });
  onTestFinished(() => void stream.destroy());
  const [head] = (await until(stream, "response")) as [IncomingHttpHeaders];
  return { stream, head };
}

/** `ws` takes over a stream on which the handshake is done. */
function framed(stream: Duplex): WebSocket {
  const ws = new WebSocket(null as never, undefined, {});
  const socket = Object.assign(stream, { setTimeout: () => {}, setNoDelay: () => {} });
  const internals = ws as unknown as { setSocket(...args: unknown[]): void };
  // What its own handshake would have set: without it a close is not waited for.
  Object.assign(internals, { _isServer: false, _closeTimeout: 10_000 });
  internals.setSocket(socket, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 0 });
  return ws;
}

test("a request over HTTP/2 reaches an application of HTTP/1.1", async () => {
  const app = await openApp("app");
  const opened = await openProxy({ target: app.url, tls: TLS });
  expect(opened.proxy.getUrl()).toBe(`https://localhost:${opened.port}`);
  const session = await openSession(opened);
  const answer = await get(session, "/a%2Fb?x=1", { cookie: ["a=1", "b=2"], "x-mine": "kept" });
  expect(answer.status).toBe(200);
  const echo = echoOf(answer);
  expect(echo).toMatchObject({ method: "GET", url: "/a%2Fb?x=1" });
  expect(echo.headers).toMatchObject({
    host: `localhost:${opened.port}`,
    cookie: "a=1; b=2",
    "x-mine": "kept",
    "x-forwarded-proto": "https",
  });
  expect(await opened.entries.next()).toMatchObject({ kind: "http", status: 200, path: "/a%2Fb" });
});

test("bodies of 1 MB go both ways, many at once", async () => {
  const app = await openApp("app");
  const session = await openSession(await openProxy({ target: app.url, tls: TLS }));
  const body = "x".repeat(1_000_000);
  const answers = await Promise.all(
    Array.from({ length: 5 }, (_none, n) => {
      const stream = session.request({ ":method": "POST", ":path": `/${n}` });
      stream.end(body);
      return answerOf(stream);
    }),
  );
  for (const [n, answer] of answers.entries()) {
    const echo = echoOf(answer);
    expect([echo.url, echo.body === body]).toEqual([`/${n}`, true]);
  }
});

test("trailers go both ways", async () => {
  const app = await openHttpOrigin((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": `of ${String(request.trailers["x-check"])}` });
      response.end();
    });
  });
  const session = await openSession(await openProxy({ target: app.url, tls: TLS }));
  const stream = session.request(
    { ":method": "POST", ":path": "/", trailer: "x-check" },
    { waitForTrailers: true },
  );
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-check": "7" }));
  const trailers = until(stream, "trailers");
  stream.end("upload");
  const { body } = await answerOf(stream);
  const [got] = (await trailers) as [IncomingHttpHeaders];
  expect([body, got["x-sum"]]).toEqual(["body", "of 7"]);
});

test("103 arrives before the answer", async () => {
  const app = await openHttpOrigin((_request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" }, () =>
      response.end("ok"),
    );
  });
  const session = await openSession(await openProxy({ target: app.url, tls: TLS }));
  const stream = session.request({ ":path": "/" });
  const hinted = until(stream, "headers");
  const answered = answerOf(stream);
  const [hints] = (await hinted) as [IncomingHttpHeaders];
  expect([hints[":status"], hints["link"]]).toEqual([103, "</style.css>; rel=preload; as=style"]);
  expect(await answered).toMatchObject({ status: 200, body: "ok" });
});

test("a client that cancels its stream cancels the request", async () => {
  let gone = 0;
  const app = await openHttpOrigin((_request, response) => response.on("close", () => gone++));
  const opened = await openProxy({ target: app.url, tls: TLS });
  const session = await openSession(opened);
  const stream = session.request({ ":path": "/slow" });
  stream.on("error", () => {});
  await until(() => app.connections === 1, "the request to arrive");
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => gone === 1, "the application to notice");
  expect(await opened.entries.next()).toMatchObject({ path: "/slow", status: 499 });
  // The session is as good as before.
  expect((await get(session, "/__crosswire/health")).status).toBe(200);
});

test("an answer that breaks off is an error of its stream, not a short body", async () => {
  const app = await openHttpOrigin((_request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("a beginning", () => response.destroy());
  });
  const session = await openSession(await openProxy({ target: app.url, tls: TLS }));
  const stream = session.request({ ":path": "/" });
  const failed = until(stream, "error") as Promise<[Error]>;
  stream.resume();
  expect((await failed)[0].message).toContain("NGHTTP2_INTERNAL_ERROR");
});

test("an application that is down is told as page and as JSON", async () => {
  const opened = await openProxy({
    target: "http://127.0.0.1:1",
    tls: TLS,
    limits: { proxyHoldMs: 1 },
  });
  const session = await openSession(opened);
  const page = await get(session, "/", { accept: "text/html" });
  expect([page.status, page.headers["content-type"]]).toEqual([502, "text/html; charset=utf-8"]);
  const post = session.request({ ":method": "POST", ":path": "/" });
  post.end("x=1");
  const json = await answerOf(post);
  expect([json.status, JSON.parse(json.body)]).toEqual([
    502,
    expect.objectContaining({ code: "XW_UNREACHABLE" }),
  ]);
  const { head } = await webSocketOver(session, "/");
  expect(head[":status"]).toBe(502);
});

test("a request is held over HTTP/2 too", async () => {
  const port = await unusedPort();
  const opened = await openProxy({ target: `http://127.0.0.1:${port}`, tls: TLS });
  const session = await openSession(opened);
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.end("y".repeat(100_000));
  const answered = answerOf(stream);
  await until(() => opened.proxy.stats().counters.requests === 1, "the request");
  await openApp("app", { port });
  const answer = await answered;
  expect([answer.status, echoOf(answer).body.length]).toEqual([200, 100_000]);
});

test("who leaves while held over HTTP/2 is logged as gone", async () => {
  const opened = await openProxy({ target: "http://127.0.0.1:1", tls: TLS });
  const session = await openSession(opened);
  const stream = session.request({ ":path": "/left" });
  stream.on("error", () => {});
  await until(() => {
    const { counters, engine } = opened.proxy.stats();
    return counters.requests === 1 && engine.exchanges === 0;
  }, "the request to be held");
  stream.close(constants.NGHTTP2_CANCEL);
  expect(await opened.entries.next()).toMatchObject({ path: "/left", status: 499 });
});

test("HTTP/1.1 and its WebSockets are served on the same port", async () => {
  const app = await openApp("app");
  const { url, port } = await openProxy({ target: app.url, tls: TLS });
  const answer = await ask(`${url}/x`, { headers: { Host: `localhost:${port}` } });
  expect(echoOf(answer)).toMatchObject({ app: "app", url: "/x" });
  const options = { ca: CA, servername: "localhost", origin: `https://localhost:${port}` };
  const { ws, messages } = await openSocket(`${url}/live`, options);
  expect(await messages.next()).toBe("app /live");
  ws.send("hello");
  expect(await messages.next()).toBe("app: hello");
  const foreign = { ...options, origin: `http://localhost:${port}` };
  expect((await refusedSocket(`${url}/live`, foreign)).status).toBe(403);
});

test("HTTP/2 can be switched off", async () => {
  const app = await openApp("app");
  const { url, port } = await openProxy({ target: app.url, tls: { ...TLS, http2: false } });
  expect((await ask(url)).status).toBe(200);
  const session = connect(`https://localhost:${port}`, { ca: CA, lookup: toLoopback });
  onTestFinished(() => session.destroy());
  const [error] = (await until(session, "error")) as [Error];
  expect(error.message).toContain("no application protocol");
});

test("WebSockets go over streams of HTTP/2, with the frames of WebSockets", async () => {
  const app = await openApp("app");
  const opened = await openProxy({ target: app.url, tls: TLS });
  const session = await openSession(opened);
  expect(session.remoteSettings.enableConnectProtocol).toBe(true);
  const { stream, head } = await webSocketOver(session, "/live?x", {
    origin: `https://localhost:${opened.port}`,
  });
  expect(head[":status"]).toBe(200);
  expect(head).not.toHaveProperty("sec-websocket-accept");
  const ws = framed(stream);
  const messages = inbox<string>("a message over HTTP/2");
  ws.on("message", (data) => messages.put(String(data)));
  expect(await messages.next()).toBe("app /live?x");
  const long = "z".repeat(200_000);
  ws.send(long);
  expect(await messages.next()).toBe(`app: ${long}`);
  const closed = until(ws, "close");
  ws.close(4001, "bye");
  expect((await closed)[0]).toBe(4001);
  expect(await opened.entries.next()).toMatchObject({ kind: "websocket", status: 101 });
});

test("a WebSocket that the application refuses is refused over HTTP/2, with the body", async () => {
  const app = await openHttpOrigin((_request, response) => response.end());
  app.server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 403 Forbidden\r\nX-Why: no\r\nContent-Length: 6\r\n\r\nnot me");
  });
  const session = await openSession(await openProxy({ target: app.url, tls: TLS }));
  const stream = session.request({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":path": "/",
    "sec-websocket-version": "13",
  });
  expect(await answerOf(stream)).toMatchObject({
    status: 403,
    headers: { "x-why": "no" },
    body: "not me",
  });
});

test("a CONNECT that is no WebSocket is refused", async () => {
  const session = await openSession(await openProxy({ target: "http://127.0.0.1:1", tls: TLS }));
  const stream = session.request({ ":method": "CONNECT", ":authority": "evil.example:443" });
  expect((await answerOf(stream)).status).toBe(405);
});

test.each<[string, OutgoingHttpHeaders, number]>([
  ["a foreign name", { ":authority": "evil.example:{port}" }, 403],
  ["another port", { ":authority": "localhost:1" }, 403],
  ["a Host that says something else", { host: "evil.example" }, 400],
])("%s is refused over HTTP/2", async (_what, headers, status) => {
  const app = await openApp("app");
  const opened = await openProxy({ target: app.url, tls: TLS });
  const session = await openSession(opened);
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    String(value).replace("{port}", String(opened.port)),
  ]);
  const answer = await get(session, "/", {
    ":authority": `localhost:${opened.port}`,
    ...(Object.fromEntries(filled) as OutgoingHttpHeaders),
  });
  expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([
    status,
    "XW_REFUSED",
  ]);
  expect(app.connections).toBe(0);
});

test.each(["https://evil.example", "http://localhost:{port}", "null"])(
  "a WebSocket over HTTP/2 is refused to a page of %s",
  async (origin) => {
    const app = await openApp("app");
    const opened = await openProxy({ target: app.url, tls: TLS });
    const session = await openSession(opened);
    const { head } = await webSocketOver(session, "/", {
      origin: origin.replace("{port}", String(opened.port)),
    });
    expect([head[":status"], app.connections]).toEqual([403, 0]);
  },
);

test("assets go to the application of the page that asks, over HTTP/2 too", async () => {
  const [web, docs] = await Promise.all([openApp("web"), openApp("docs")]);
  const opened = await openProxy({
    microfrontends: microfrontendsOf({
      web: { local: web.port },
      docs: { local: docs.port, paths: ["/docs"] },
    }),
    tls: TLS,
  });
  const session = await openSession(opened);
  const referer = `https://localhost:${opened.port}/docs`;
  const answer = await get(session, "/_next/a.js", { referer });
  expect(echoOf(answer).app).toBe("docs");
});

test("closing lets streams come to their end, and says 1001 to WebSockets", async () => {
  let answer = (): void => {};
  const app = await openApp("app");
  const slow = await openHttpOrigin((_request, response) => {
    answer = () => void response.end("at last");
  });
  const opened = await openProxy({ routes: { "/:path*": app.url, "/slow": slow.url }, tls: TLS });
  const session = await openSession(opened);
  const { stream } = await webSocketOver(session, "/live");
  const ws = framed(stream);
  const ended = until(ws, "close");
  const waiting = get(session, "/slow");
  await until(() => slow.connections === 1, "the slow request");
  const closed = opened.proxy.close({ graceMs: 10_000 });
  expect((await ended)[0]).toBe(1001);
  answer();
  expect(await waiting).toMatchObject({ status: 200, body: "at last" });
  await within(closed, "the proxy to close");
  await until(() => session.closed, "the session to end");
});

test("closing ends sessions on which nothing happens", async () => {
  const opened = await openProxy({ target: "http://127.0.0.1:1", tls: TLS });
  const sessions = await Promise.all([openSession(opened), openSession(opened)]);
  // Told to go in the words of the protocol, not by a cut.
  const told = sessions.map((session) => until(session, "goaway") as Promise<[code: number]>);
  await within(opened.proxy.close(), "the proxy to close", 5_000);
  for (const [code] of await Promise.all(told)) expect(code).toBe(constants.NGHTTP2_NO_ERROR);
  for (const session of sessions) await until(() => session.closed, "the session to end");
});
