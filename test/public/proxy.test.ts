// createProxy as its user sees it: what it takes, where requests go, and how it begins and ends.

import { isCrosswireError } from "crosswire";
import { createEngine, createProxy, type ProxyEngine, type ProxyOptions } from "crosswire/http";
import { expect, onTestFinished, test } from "vitest";
import { nextWarning, rejection, until } from "../fixtures/wait.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { ask, begin, jsonOf, openProxy, openSocket, unusedPort } from "../proxy/world.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { startChild } from "./child.ts";

const TARGET = "http://127.0.0.1:4000";

test.each<[string, ProxyOptions, string]>([
  ["nothing that says where to", {}, "needs one of target, routes and microfrontends, and got 0"],
  ["two ways", { target: TARGET, routes: {} }, "and got 2 of them"],
  ["a target that is none", { target: "localhost:4000" }, '"localhost:4000" is no target'],
  ["a target with a query", { target: `${TARGET}/?a` }, "has a query"],
  ["a route to nowhere", { routes: { "/a": "ftp://x" } }, '"ftp://x" is no target'],
  [
    "a fallback that is none",
    { routes: { "/a": { target: TARGET, fallback: "example.com" } } },
    '"example.com" is no target',
  ],
  ["a port that is none", { target: TARGET, port: 65_536 }, "65536 is not a port"],
  ["a port that is no number", { target: TARGET, port: Number.NaN }, "NaN is not a port"],
  ["a wide host without a token", { target: TARGET, host: "0.0.0.0" }, "needs a token"],
  ["a token that is easily guessed", { target: TARGET, token: "secret" }, "16 to 512 characters"],
  ["an empty table", { routes: {} }, "routes is empty"],
  [
    "two patterns for the same paths",
    { routes: { "/a/:x": TARGET, "/a/:y": "http://127.0.0.1:4001" } },
    'The routes "/a/:x" and "/a/:y" claim the same paths',
  ],
  ["flags without microfrontends", { target: TARGET, flags: { a: true } }, "for microfrontends"],
  ["localApps without microfrontends", { target: TARGET, localApps: [] }, "for microfrontends"],
  ["an unknown limit", { target: TARGET, limits: { hold: 1 } as never }, "limits.hold"],
  ["a limit of nothing", { target: TARGET, limits: { proxyHoldMs: 0 } }, "above 0"],
])("refuses %s at once", (_what, options, text) => {
  expect(() => createProxy(options)).toThrow(TypeError);
  expect(() => createProxy(options)).toThrow(text);
});

test("refuses a pattern that it could only misread, with XW_CONFIG", () => {
  const attempt = (): unknown => createProxy({ routes: { "/:path*/x": TARGET } });
  expect(attempt).toThrow(expect.objectContaining({ code: "XW_CONFIG" }) as Error);
});

test("sends everything to its target, byte for byte", async () => {
  const app = await openApp("app");
  const { url } = await openProxy({ target: app.url });
  const answer = await ask(`${url}/a%2Fb/..;/c?x=%20&x=2`, {
    method: "PUT",
    headers: { "X-Mine": "kept" },
    body: "hello",
  });
  const echo = echoOf(answer);
  expect(answer.status).toBe(200);
  expect(echo).toMatchObject({ method: "PUT", url: "/a%2Fb/..;/c?x=%20&x=2", body: "hello" });
  expect(echo.headers).toMatchObject({ "x-mine": "kept", "x-forwarded-proto": "http" });
});

test("sends each path where its most specific pattern leads, and knows where nothing does", async () => {
  const [api, users, docs] = await Promise.all(["api", "users", "docs"].map((n) => openApp(n)));
  const { url } = await openProxy({
    routes: {
      "/api/:path*": api!.url,
      "/api/users/:id": { target: users!.url },
      "/docs": docs!.url,
    },
  });
  const asked = ["/api/x/y", "/api", "/api/users/7", "/api/users/7/x", "/docs?page=2"];
  const apps = await Promise.all(asked.map(async (path) => echoOf(await ask(url + path)).app));
  expect(apps).toEqual(["api", "api", "users", "api", "docs"]);
  const nowhere = await ask(`${url}/other`);
  expect([nowhere.status, jsonOf(nowhere)]).toEqual([
    404,
    { error: 'nothing is served at "/other"', code: "XW_REFUSED" },
  ]);
});

test("adds the base path of a target", async () => {
  const app = await openApp("app");
  const { url } = await openProxy({ target: `${app.url}/base/` });
  expect(echoOf(await ask(`${url}/x?y`)).url).toBe("/base/x?y");
});

test("carries WebSockets", async () => {
  const app = await openApp("app");
  const { url } = await openProxy({ target: app.url });
  const { ws, messages } = await openSocket(`${url}/live?x=1`);
  expect(await messages.next()).toBe("app /live?x=1");
  ws.send("hello");
  expect(await messages.next()).toBe("app: hello");
});

test("says that its port is taken, with XW_LISTEN", async () => {
  const { port } = await openProxy({ target: TARGET });
  const second = createProxy({ target: TARGET, port });
  const error = await rejection(second.start());
  expect(isCrosswireError(error, "XW_LISTEN")).toBe(true);
  expect((error as Error).message).toContain(`Port ${port} of 127.0.0.1 is taken`);
  await second.close();
});

test("can be started again after its port was taken", async () => {
  const first = await openProxy({ target: TARGET });
  const second = createProxy({ target: TARGET, port: first.port });
  onTestFinished(() => second.close());
  await rejection(second.start());
  await first.proxy.close();
  await second.start();
  expect(second.getPort()).toBe(first.port);
});

test("starts once, however often it is told to", async () => {
  const app = await openApp("app");
  const proxy = createProxy({ target: app.url, port: 0 });
  onTestFinished(() => proxy.close());
  expect([proxy.getPort(), proxy.getUrl()]).toEqual([0, ""]);
  await Promise.all([proxy.start(), proxy.start()]);
  const port = proxy.getPort();
  await proxy.start();
  expect(proxy.getPort()).toBe(port);
  expect(proxy.getUrl()).toBe(`http://localhost:${port}`);
  expect((await ask(`http://127.0.0.1:${port}/`)).status).toBe(200);
});

test("closes once, and cannot start again", async () => {
  const { proxy, url } = await openProxy({ target: TARGET });
  await Promise.all([proxy.close(), proxy.close()]);
  await proxy.close();
  expect(await rejection(ask(url))).toMatchObject({ code: "ECONNREFUSED" });
  expect(isCrosswireError(await rejection(proxy.start()), "XW_CLOSED")).toBe(true);
});

test("can be closed before it was started, and while it starts", async () => {
  const unstarted = createProxy({ target: TARGET, port: 0 });
  await unstarted.close();
  const port = await unusedPort();
  const starting = createProxy({ target: TARGET, port });
  const started = starting.start().catch(() => {});
  await starting.close();
  await started;
  expect(await rejection(ask(`http://127.0.0.1:${port}/`))).toMatchObject({ code: "ECONNREFUSED" });
});

test("is closed by `await using`", async () => {
  const { proxy, url } = await openProxy({ target: TARGET });
  await proxy[Symbol.asyncDispose]();
  expect(await rejection(ask(url))).toMatchObject({ code: "ECONNREFUSED" });
});

test("lets an upload come to its end while it closes", async () => {
  const app = await openApp("app");
  const { proxy, url } = await openProxy({ target: app.url });
  const request = begin(url, { method: "POST" });
  const answered = until(request, "response");
  request.write("first ");
  await until(() => app.connections === 1, "the upload to arrive");
  const closed = proxy.close({ graceMs: 10_000 });
  expect(await rejection(ask(url))).toMatchObject({ code: "ECONNREFUSED" });
  request.end("second");
  const [response] = (await answered) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  expect(JSON.parse(String(Buffer.concat(chunks)))).toMatchObject({ body: "first second" });
  await closed;
});

test("cuts an upload that outlasts the grace of its close", async () => {
  const app = await openApp("app");
  const { proxy, url } = await openProxy({ target: app.url });
  const request = begin(url, { method: "POST" });
  const failed = until(request, "error");
  const ended = until(request, "close");
  request.write("first ");
  await until(() => app.connections === 1, "the upload to arrive");
  await proxy.close({ graceMs: 1 });
  await Promise.race([failed, ended]);
  await until(() => app.open === 0, "the connection to the target to close");
  expect(proxy.stats().engine).toMatchObject({ connections: 0, exchanges: 0 });
});

test("says 1001 to both ends of each WebSocket when it closes", async () => {
  const app = await openApp("app");
  const { proxy, url } = await openProxy({ target: app.url });
  const sockets = await Promise.all([openSocket(url), openSocket(url)]);
  await proxy.close();
  for (const { closed } of sockets) expect(await closed).toMatchObject({ code: 1001 });
  await until(() => app.closes.length === 2, "the application's ends");
  expect(app.closes).toEqual([1001, 1001]);
  expect(proxy.stats()).toMatchObject({
    engine: { connections: 0, tunnels: 0 },
    counters: { openWebSockets: 0, webSockets: 2 },
  });
});

test("uses the engine that it is given, and closes it", async () => {
  const app = await openApp("app");
  const own = createEngine();
  const targets: string[] = [];
  let closes = 0;
  const engine: ProxyEngine = {
    name: "watched",
    request: (request, response, target, options) => {
      targets.push(target.url);
      return own.request(request, response, target, options);
    },
    upgrade: (request, socket, head, target, options) =>
      own.upgrade(request, socket, head, target, options),
    stats: () => own.stats(),
    close: (options) => {
      closes++;
      return own.close(options);
    },
  };
  const { url, proxy } = await openProxy({ target: app.url, engine });
  expect((await ask(url)).status).toBe(200);
  expect(jsonOf(await ask(`${url}/__crosswire`))["engine"]).toMatchObject({ name: "watched" });
  await proxy.close();
  expect([targets, closes]).toEqual([[app.url], 1]);
});

test("leaves nothing that keeps a process alive, and answers who was held", async () => {
  const child = startChild("proxy-and-close.ts");
  expect(await child.ended).toBe(0);
  expect(child.output).toEqual({ stderr: "", stdout: '{"left":[],"answer":502}\n' });
});

test("tells what its user's onAccess throws as a warning, and goes on", async () => {
  const app = await openHttpOrigin((_request, response) => response.end("ok"));
  const { url } = await openProxy({
    target: app.url,
    onAccess: () => {
      throw new Error("the log is full");
    },
  });
  const warned = nextWarning();
  expect((await ask(url)).status).toBe(200);
  expect((await warned).message).toContain("the log is full");
  const again = nextWarning();
  expect((await ask(url)).status).toBe(200);
  await again;
});
