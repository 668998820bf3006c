// What a proxy reports of each request and WebSocket: to onAccess, to the trace, and to diagnostics channels.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { TraceEvent } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { inbox, until } from "../fixtures/wait.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { openApp } from "../proxy/apps.ts";
import { ask, begin, openProxy, openSocket, refusedSocket } from "../proxy/world.ts";

const SPECIAL = ["heldMs", "isFallback", "error"];

test("reports a request with what is known of it, its query excepted", async () => {
  const app = await openHttpOrigin((request, response) => {
    request.resume().on("end", () => response.writeHead(201).end("created"));
  });
  const { url, entries } = await openProxy({ routes: { "/api/:path*": app.url } });
  await ask(`${url}/api/users?token=secret`, { method: "POST", body: "12345" });
  const entry = await entries.next();
  expect(entry).toEqual({
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    kind: "http",
    method: "POST",
    path: "/api/users",
    status: 201,
    durationMs: expect.any(Number) as number,
    bytesUp: 5,
    bytesDown: 7,
    app: app.url,
    rule: "/api/:path*",
    target: app.url,
  });
  for (const field of SPECIAL) expect(entry).not.toHaveProperty(field);
});

test("reports a WebSocket when it is over", async () => {
  const app = await openApp("app");
  const { url, entries } = await openProxy({ target: app.url });
  const { ws, messages, closed } = await openSocket(`${url}/live?token=secret`);
  await messages.next();
  expect(entries.waiting).toEqual([]);
  ws.close(1000);
  await closed;
  const entry = await entries.next();
  expect(entry).toMatchObject({ kind: "websocket", method: "GET", path: "/live", status: 101 });
  // The greeting in one frame, and a close frame each way.
  expect([entry.bytesUp, entry.bytesDown]).toEqual([8, 2 + "app /live?token=secret".length + 4]);
});

test("reports a WebSocket that was refused with the status of its refusal", async () => {
  const app = await openHttpOrigin((_request, response) => response.end());
  app.server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
  });
  const { url, entries } = await openProxy({ target: app.url });
  const refusal = await refusedSocket(url);
  expect([refusal.status, refusal.body]).toEqual([403, "no"]);
  expect(await entries.next()).toMatchObject({ kind: "websocket", status: 403 });
});

test("reports why there was no answer", async () => {
  const { url, entries } = await openProxy({
    target: "http://127.0.0.1:1",
    limits: { proxyHoldMs: 1 },
  });
  await ask(`${url}/x`);
  expect(await entries.next()).toMatchObject({ status: 502, error: { code: "XW_UNREACHABLE" } });
});

test("reports an answer that broke off with its status and the reason", async () => {
  const app = await openHttpOrigin((_request, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write("a beginning", () => response.destroy());
  });
  const { url, entries } = await openProxy({ target: app.url });
  await expect(ask(url)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(await entries.next()).toMatchObject({
    status: 200,
    bytesDown: "a beginning".length,
    error: { code: "XW_UPSTREAM" },
  });
});

test("reports a client that left before its answer as 499", async () => {
  const app = await openHttpOrigin(() => {});
  const { url, entries } = await openProxy({ target: app.url });
  const request = begin(`${url}/slow`);
  request.on("error", () => {});
  request.end();
  await until(() => app.connections === 1, "the request to arrive");
  request.destroy();
  expect(await entries.next()).toMatchObject({
    path: "/slow",
    status: 499,
    error: { code: "XW_CANCELLED" },
  });
});

test("reports what it refused by itself, without an application", async () => {
  const { url, entries, proxy } = await openProxy({ routes: { "/a": "http://127.0.0.1:1" } });
  await ask(`${url}/a?secret`, { headers: { Host: "evil.example" } });
  await ask(`${url}/nowhere?secret`);
  await refusedSocket(`${url}/a`, { origin: "http://evil.example" });
  const refused = [await entries.next(), await entries.next(), await entries.next()];
  expect(refused.map(({ kind, path, status }) => [kind, path, status])).toEqual([
    ["http", "/a", 403],
    ["http", "/nowhere", 404],
    ["websocket", "/a", 403],
  ]);
  for (const entry of refused) {
    expect(entry).toMatchObject({ bytesUp: 0, bytesDown: 0, error: { code: "XW_REFUSED" } });
    for (const field of ["app", "rule", "target"]) expect(entry).not.toHaveProperty(field);
  }
  expect(proxy.stats().counters).toMatchObject({ requests: 0, webSockets: 0, refused: 3 });
});

test("traces the begin and the end of each request", async () => {
  const app = await openApp("app");
  const events: TraceEvent[] = [];
  const { url, entries } = await openProxy({
    target: app.url,
    trace: (event) => void events.push(event),
  });
  await ask(`${url}/a?b`);
  const entry = await entries.next();
  await until(() => events.length === 2, "two events");
  expect(events).toEqual([
    { event: "proxy:start", id: 1, kind: "http", method: "GET", path: "/a" },
    { event: "proxy:end", id: 1, ...entry },
  ]);
});

test("tells the same to diagnostics channels", async () => {
  const app = await openApp("app");
  const { url } = await openProxy({ target: app.url });
  const seen = inbox<unknown>("an event of a channel");
  const channels = ["crosswire:proxy:start", "crosswire:proxy:end"] as const;
  for (const name of channels) {
    const listener = (payload: unknown): void => seen.put([name, payload]);
    subscribe(name, listener);
    onTestFinished(() => void unsubscribe(name, listener));
  }
  const { ws, messages } = await openSocket(`${url}/live`);
  await messages.next();
  expect(await seen.next()).toEqual([
    channels[0],
    { id: 1, kind: "websocket", method: "GET", path: "/live" },
  ]);
  ws.close();
  expect(await seen.next()).toMatchObject([
    channels[1],
    { id: 1, kind: "websocket", path: "/live", status: 101, target: app.url },
  ]);
});
