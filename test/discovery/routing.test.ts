// HTTP and WebSocket traffic to the leader goes to whoever registered its path.

import { IPCServer } from "crosswire";
import { DiscoveryServer } from "crosswire/discovery";
import { expect, test } from "vitest";
import { IPC_PATH, upgrade } from "../fixtures/raw-websocket.ts";
import { until } from "../fixtures/wait.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { ask, jsonOf, openSocket, refusedSocket, unusedPort } from "../proxy/world.ts";
import { openClient } from "../public/pair.ts";
import { openPlace, openRegistrant } from "./fixtures/registry-world.ts";

test("requests and WebSockets get to the service of their prefix, with path, query and body as sent", async () => {
  const { server, url } = await openPlace();
  const [users, orders] = await Promise.all([openApp("users"), openApp("orders")]);
  const { discovery: client } = await openRegistrant(server);
  await client.register([
    { api: "users", baseUrl: users.url, pathPrefix: "/users" },
    { api: "orders", baseUrl: `${orders.url}/v2`, pathPrefix: "/orders" },
  ]);
  const target = "/users/a%2Fb//c/./d?x=1&y=%20&x=2";
  const posted = await ask(url, { method: "POST", body: "hello", target });
  expect(echoOf(posted)).toMatchObject({
    app: "users",
    method: "POST",
    url: target,
    body: "hello",
    headers: { host: `127.0.0.1:${users.port}` },
  });
  expect(echoOf(await ask(`${url}/orders/7`))).toMatchObject({
    app: "orders",
    url: "/v2/orders/7",
  });
  const { ws, messages } = await openSocket(`${url}/orders/live?since=1`);
  expect(await messages.next()).toBe("orders /v2/orders/live?since=1");
  ws.send("hello");
  expect(await messages.next()).toBe("orders: hello");
});

test.each<[string, string | undefined]>([
  ["/users", "users"],
  ["/users/", "users"],
  ["/users?a=/users/admin", "users"],
  ["/users/7/admin", "users"],
  ["/users/admin", "admin"],
  ["/users/admin/", "admin"],
  ["/users/admin/x?y", "admin"],
  ["/users/administrators", "users"],
  ["//users///admin", "admin"],
  ["/users/./admin", "admin"],
  ["/users/x/../admin", "admin"],
  ["/users/x/%2e%2E/admin", "admin"],
  ["/x/../users", "users"],
  ["/users/admin/..", "users"],
  ["/users/%2e%2e/other", undefined],
  ["/users/../other", undefined],
  ["/usersx", undefined],
  ["/users.json", undefined],
  ["/users%2fadmin", undefined],
  ["/users/..%2fother", "users"],
  ["/Users", undefined],
  ["/us%65rs", undefined],
  ["/%C3%BC/x", "umlaut"],
  ["/x/users", undefined],
  ["/", undefined],
  ["/..", undefined],
])("%s goes to %s", (target, api) => {
  const discovery = new DiscoveryServer(new IPCServer(0));
  discovery.addRoute({ api: "users", baseUrl: "http://a:1", pathPrefix: "/users" });
  discovery.addRoute({ api: "admin", baseUrl: "http://a:2", pathPrefix: "/users/admin/" });
  discovery.addRoute({ api: "umlaut", baseUrl: "http://a:3", pathPrefix: "/ü" });
  discovery.addRoute({ api: "hidden", baseUrl: "http://a:4" });
  expect(discovery.matchRoute(target)?.api).toBe(api);
});

test("a path of thousands of segments does not keep the leader busy", () => {
  const discovery = new DiscoveryServer(new IPCServer(0));
  discovery.addRoute({ api: "users", baseUrl: "http://a:1", pathPrefix: "/users/of/all/lands" });
  const startedAt = performance.now();
  expect(discovery.matchRoute("/a".repeat(16_000))).toBeUndefined();
  expect(discovery.matchRoute(`/users/of/all/lands${"/a".repeat(15_000)}`)?.api).toBe("users");
  // It takes seconds when each length of the path is tried.
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

test("what leaves its prefix by /../ is not passed on under it, in whatever form it is sent", async () => {
  const { url, discovery } = await openPlace();
  const [users, admin] = await Promise.all([openApp("users"), openApp("admin")]);
  discovery.addRoute({ api: "users", baseUrl: users.url, pathPrefix: "/users" });
  discovery.addRoute({ api: "admin", baseUrl: admin.url, pathPrefix: "/users/admin" });
  for (const target of ["/users/x/../admin/1", "/users/%2e/admin/1", "//users//admin/1"]) {
    expect(echoOf(await ask(url, { target }))).toMatchObject({ app: "admin", url: target });
  }
  for (const target of ["/users/../other", "/users/%2e%2e/", "/usersx", "/"]) {
    const answer = await ask(url, { target });
    expect([target, answer.status, jsonOf(answer)["code"]]).toEqual([target, 404, "XW_REFUSED"]);
  }
  expect((await refusedSocket(`${url}/usersx`)).status).toBe(404);
});

test("the prefix / takes what nobody else has", async () => {
  const { url, discovery } = await openPlace();
  const [web, users] = await Promise.all([openApp("web"), openApp("users")]);
  discovery.addRoute({ api: "users", baseUrl: users.url, pathPrefix: "/users" });
  const undo = discovery.addRoute({ api: "web", baseUrl: web.url, pathPrefix: "/" });
  for (const target of ["/", "/usersx", "/deep/er?x", "//", "/users/.."]) {
    expect(echoOf(await ask(url, { target }))).toMatchObject({ app: "web", url: target });
  }
  expect(echoOf(await ask(`${url}/users/1`)).app).toBe("users");
  expect(await (await openSocket(url)).messages.next()).toBe("web /");
  undo();
  expect((await ask(url)).status).toBe(404);
});

test("the server's own endpoint and its intercepts come before every service", async () => {
  const { server, url, discovery } = await openPlace();
  const web = await openApp("web");
  discovery.addRoute({ api: "web", baseUrl: web.url, pathPrefix: "/" });
  discovery.addRoute({ api: "ipc", baseUrl: web.url, pathPrefix: "/__crosswire" });
  server.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ mock: id }));
  expect(jsonOf(await ask(`${url}/users/7`))).toEqual({ mock: "7" });
  expect(echoOf(await ask(`${url}/users/7`, { method: "POST" })).app).toBe("web");
  await openClient(server, "worker");
  const refused = await upgrade(server, { headers: { Authorization: undefined } });
  expect([refused.status, web.sockets]).toEqual([401, 0]);
  expect(IPC_PATH.startsWith("/__crosswire")).toBe(true);
});

test("a replica that was taken away is not asked any more, while what it has begun goes on", async () => {
  const { server, url } = await openPlace();
  const [old, fresh] = await Promise.all([openApp("old"), openApp("fresh")]);
  const [leaving, staying] = [await openRegistrant(server), await openRegistrant(server)];
  await leaving.discovery.register([{ api: "app", baseUrl: old.url, pathPrefix: "/app" }]);
  const { ws, messages } = await openSocket(`${url}/app`);
  expect(await messages.next()).toBe("old /app");
  await staying.discovery.register([{ api: "app", baseUrl: fresh.url, pathPrefix: "/app" }]);
  await leaving.client.disconnect();
  await until(() => server.clients().length === 1, "the old replica to be gone");
  for (let i = 0; i < 4; i++) expect(echoOf(await ask(`${url}/app`)).app).toBe("fresh");
  expect(await (await openSocket(`${url}/app`)).messages.next()).toBe("fresh /app");
  ws.send("still there");
  expect(await messages.next()).toBe("old: still there");
  await staying.client.disconnect();
  await until(() => server.clients().length === 0, "the fresh replica to be gone");
  expect((await ask(`${url}/app`)).status).toBe(404);
});

test("a replica that does not answer costs its request, and says where it was looked for", async () => {
  const { url, discovery } = await openPlace();
  const baseUrl = `http://127.0.0.1:${await unusedPort()}`;
  discovery.addRoute({ api: "app", baseUrl, pathPrefix: "/app" });
  const answer = await ask(`${url}/app`);
  expect([answer.status, jsonOf(answer)["code"]]).toEqual([502, "XW_UNREACHABLE"]);
  expect(jsonOf(answer)["error"]).toContain(baseUrl);
});

test("a ws: URL stands for both kinds of traffic, and the certificate of an https: one is checked", async () => {
  const { url, discovery } = await openPlace();
  const app = await openApp("app");
  discovery.addRoute({ api: "app", baseUrl: `ws://127.0.0.1:${app.port}`, pathPrefix: "/app" });
  expect(echoOf(await ask(`${url}/app`)).app).toBe("app");
  expect(await (await openSocket(`${url}/app`)).messages.next()).toBe("app /app");
  const secure = await openHttpOrigin((_request, response) => response.end(), {
    certificate: "localhost",
  });
  discovery.addRoute({ api: "tls", baseUrl: secure.url, pathPrefix: "/tls" });
  // Of an authority that Node does not know.
  const answer = await ask(`${url}/tls`);
  expect(answer.status).toBe(502);
  expect(jsonOf(answer)["error"]).toMatch(/certificate/i);
});

test("a route that was added by hand takes the whole traffic of its api until it is undone", async () => {
  const { server, url, discovery } = await openPlace();
  const [real, mock] = await Promise.all([openApp("real"), openApp("mock")]);
  const { discovery: client } = await openRegistrant(server);
  await client.register([
    { api: "users", baseUrl: real.url, pathPrefix: "/users" },
    { api: "orders", baseUrl: real.url, pathPrefix: "/orders" },
  ]);
  const appOf = async (path: string): Promise<string> => echoOf(await ask(url + path)).app;
  for (const pathPrefix of [{ pathPrefix: "/users" }, { pathPrefix: "/mocked" }, {}]) {
    const undo = discovery.addRoute({ api: "users", baseUrl: mock.url, ...pathPrefix });
    expect([await appOf("/users"), await appOf("/users/7"), await appOf("/orders")]).toEqual([
      "mock",
      "mock",
      "real",
    ]);
    expect(await client.discoverApi("users")).toMatchObject({ baseUrl: mock.url });
    // Whoever registers meanwhile waits until it is over.
    await client.register([{ api: "users", baseUrl: `${real.url}/v2`, pathPrefix: "/users" }]);
    expect(await appOf("/users")).toBe("mock");
    await client.unregister("users", `${real.url}/v2`);
    undo();
    expect(await appOf("/users")).toBe("real");
    expect(await client.discoverApi("users")).toMatchObject({ baseUrl: real.url });
  }
});

test("a route is undone once: a later one like it stays", async () => {
  const { discovery } = await openPlace();
  const route = { api: "users", baseUrl: "http://mock:1", pathPrefix: "/users" };
  const undo = discovery.addRoute(route);
  undo();
  discovery.addRoute(route);
  undo();
  expect(discovery.matchRoute("/users")).toMatchObject(route);
  expect(discovery.removeRoute("users", "http://mock:1/")).toBe(true);
  expect(discovery.removeRoute("users")).toBe(false);
  expect(discovery.matchRoute("/users")).toBeUndefined();
});
