// IPCServer.setRouteProxyResolver: what a server does not answer itself goes to whoever serves the path.

import { IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { IPC_PATH } from "../fixtures/raw-websocket.ts";
import { nextWarning, until } from "../fixtures/wait.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { ask, begin, jsonOf, openSocket, refusedSocket, unusedPort } from "../proxy/world.ts";
import { openClient, openServer } from "./pair.ts";

interface Service {
  readonly baseUrl: string;
}

test("a server in front of discovered services passes requests and WebSockets on", async () => {
  const [users, orders] = await Promise.all([openApp("users"), openApp("orders")]);
  const routes: Record<string, Service> = {
    "/users": { baseUrl: users.url },
    "/orders": { baseUrl: orders.url },
    "/broken": { baseUrl: "" },
  };
  const matchRoute = (path: string): Service | undefined => routes[`/${path.split("/")[1]}`];
  const server = await openServer();
  server.setRouteProxyResolver((path) => matchRoute(path)?.baseUrl || undefined);
  const url = server.getUrl();

  const posted = await ask(`${url}/users/7?x=1`, {
    method: "POST",
    headers: { "X-Mine": "kept" },
    body: "hello",
  });
  expect(echoOf(posted)).toMatchObject({
    app: "users",
    method: "POST",
    url: "/users/7?x=1",
    body: "hello",
    headers: {
      "x-mine": "kept",
      host: `127.0.0.1:${users.port}`,
      "x-forwarded-host": `127.0.0.1:${server.getPort()}`,
    },
  });
  expect(echoOf(await ask(`${url}/orders`)).app).toBe("orders");
  expect((await ask(`${url}/other`)).status).toBe(404);
  expect((await ask(`${url}/broken`)).status).toBe(404);

  const { ws, messages } = await openSocket(`${url}/orders/live?x`);
  expect(await messages.next()).toBe("orders /orders/live?x");
  ws.send("hello");
  expect(await messages.next()).toBe("orders: hello");
  expect((await refusedSocket(`${url}/other`)).status).toBe(404);
});

test("the resolver sees the path without its query, and the request", async () => {
  const app = await openApp("app");
  const server = await openServer();
  const seen: unknown[] = [];
  server.setRouteProxyResolver((path, { method, headers }) => {
    seen.push([path, method, headers["x-mine"]]);
    return app.url;
  });
  await ask(`${server.getUrl()}/a/..%2fb?query`, { method: "PUT", headers: { "X-Mine": "1" } });
  expect(seen).toEqual([["/a/..%2fb", "PUT", "1"]]);
});

test("a base URL with a path is put before the path", async () => {
  const app = await openApp("app");
  const server = await openServer();
  server.setRouteProxyResolver(() => `${app.url}/v2/`);
  expect(echoOf(await ask(`${server.getUrl()}/users?x`)).url).toBe("/v2/users?x");
  const { messages } = await openSocket(`${server.getUrl()}/live`);
  expect(await messages.next()).toBe("app /v2/live");
});

test("a later resolver takes over, and undefined switches it off", async () => {
  const [first, second] = await Promise.all([openApp("first"), openApp("second")]);
  const server = await openServer();
  const url = server.getUrl();
  expect((await ask(url)).status).toBe(404);
  server.setRouteProxyResolver(() => first.url);
  expect(echoOf(await ask(url)).app).toBe("first");
  server.setRouteProxyResolver(() => second.url);
  expect(echoOf(await ask(url)).app).toBe("second");
  server.setRouteProxyResolver(undefined);
  expect((await ask(url)).status).toBe(404);
  expect((await refusedSocket(url)).status).toBe(404);
});

test("what is no function is refused", async () => {
  const server = new IPCServer(0);
  expect(() => server.setRouteProxyResolver("http://127.0.0.1" as never)).toThrow(TypeError);
  expect(() => server.setRouteProxyResolver(null as never)).toThrow("takes a function");
});

test("the server's own endpoint and its intercepts come before the resolver", async () => {
  const app = await openApp("app");
  const server = await openServer();
  const asked: string[] = [];
  server.setRouteProxyResolver((path) => {
    asked.push(path);
    return app.url;
  });
  const undo = server.interceptHttp("GET", "/mocked", () => ({ mocked: true }));
  expect(jsonOf(await ask(`${server.getUrl()}/mocked`))).toEqual({ mocked: true });
  undo();
  expect(echoOf(await ask(`${server.getUrl()}/mocked`)).app).toBe("app");
  await openClient(server, "worker");
  const refusal = await refusedSocket(server.getUrl() + IPC_PATH);
  expect([refusal.status, app.sockets]).toEqual([401, 0]);
  expect(asked).toEqual(["/mocked"]);
});

test("a resolver that throws costs its request, and the server lives", async () => {
  const app = await openApp("app");
  const server = await openServer();
  server.setRouteProxyResolver((path) => {
    if (path === "/bad") throw new Error("the registry is gone");
    return app.url;
  });
  const warned = nextWarning();
  const answer = await ask(`${server.getUrl()}/bad`);
  expect([answer.status, jsonOf(answer)["code"]]).toEqual([500, "XW_REMOTE"]);
  expect(jsonOf(answer)["error"]).toContain("the registry is gone");
  expect((await warned).message).toContain("the registry is gone");

  const warnedAgain = nextWarning();
  const refusal = await refusedSocket(`${server.getUrl()}/bad`);
  expect([refusal.status, (JSON.parse(refusal.body) as { code: string }).code]).toEqual([
    500,
    "XW_REMOTE",
  ]);
  await warnedAgain;
  expect((await ask(server.getUrl())).status).toBe(200);
});

test.each<[string, unknown, string]>([
  ["no URL", "localhost:4000", '"localhost:4000" is no target'],
  ["an empty text", "", '"" is no target'],
  ["a URL with a user", "http://a:b@127.0.0.1/", "has a query, a fragment or a user"],
  ["a URL with a password alone", "http://:b@127.0.0.1/", "has a query, a fragment or a user"],
  ["null", null, "returned null; it has to return a base URL or undefined"],
  ["a number", 7, "returned 7; it has to return"],
  ["a promise", Promise.resolve("http://127.0.0.1:1"), "returned a promise; it has to return"],
])("a resolver that returns %s costs its request", async (_what, returned, text) => {
  const server = await openServer();
  server.setRouteProxyResolver(() => returned as string);
  const warned = nextWarning();
  const answer = await ask(server.getUrl());
  expect([answer.status, jsonOf(answer)["error"]]).toEqual([500, expect.stringContaining(text)]);
  expect((await warned).message).toContain("failed");
});

test("a service that is down is told at once, as JSON even to a browser", async () => {
  const server = await openServer();
  const target = `http://127.0.0.1:${await unusedPort()}`;
  server.setRouteProxyResolver(() => target);
  const answer = await ask(server.getUrl(), { headers: { Accept: "text/html" } });
  expect([answer.status, jsonOf(answer)]).toEqual([
    502,
    {
      code: "XW_UNREACHABLE",
      error: `Cannot connect to ${target}: ECONNREFUSED. Start the server, or correct the target.`,
    },
  ]);
  expect((await refusedSocket(server.getUrl())).status).toBe(502);
});

test("a resolver that leads back to its own server is told of the loop", async () => {
  const server = await openServer();
  server.setRouteProxyResolver(() => server.getUrl());
  const answer = await ask(server.getUrl());
  expect([answer.status, jsonOf(answer)["code"]]).toEqual([508, "XW_LOOP"]);
  expect((await refusedSocket(server.getUrl())).status).toBe(508);
});

test("two servers that lead to each other notice it", async () => {
  const [first, second] = await Promise.all([openServer(), openServer()]);
  first.setRouteProxyResolver(() => second.getUrl());
  second.setRouteProxyResolver(() => first.getUrl());
  expect((await ask(first.getUrl())).status).toBe(508);
});

test("proxied requests come to their end while the server closes, and its WebSockets get 1001", async () => {
  const app = await openApp("app");
  const server = await openServer();
  server.setRouteProxyResolver(() => app.url);
  const { closed, messages } = await openSocket(server.getUrl());
  await messages.next();
  const request = begin(server.getUrl(), { method: "POST" });
  const answered = until(request, "response");
  request.write("first");
  await until(() => app.connections === 2, "the upload to arrive");
  const stopped = server.close({ graceMs: 10_000 });
  expect(await closed).toMatchObject({ code: 1001 });
  request.end();
  const [response] = (await answered) as [{ statusCode: number; resume(): void }];
  expect(response.statusCode).toBe(200);
  response.resume();
  await stopped;
  await until(() => app.closes.length === 1, "the end of the application");
  expect(app.closes).toEqual([1001]);
});

test("traces what it passes on", async () => {
  const app = await openHttpOrigin((_request, response) => response.end("ok"));
  const events: string[] = [];
  const server = await openServer({
    trace: ({ event }) => {
      if (event.startsWith("proxy:")) events.push(event);
    },
  });
  server.setRouteProxyResolver(() => app.url);
  await ask(server.getUrl());
  await until(() => events.length === 2, "both events");
  expect(events).toEqual(["proxy:start", "proxy:end"]);
});
