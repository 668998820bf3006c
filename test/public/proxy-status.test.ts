// What a proxy tells of itself below /__crosswire, and to whom.

import { expect, test } from "vitest";
import { openApp } from "../proxy/apps.ts";
import {
  ask,
  jsonOf,
  microfrontendsOf,
  openProxy,
  openSocket,
  refusedSocket,
  unusedPort,
} from "../proxy/world.ts";

test("tells of routes, applications and the engine", async () => {
  const app = await openApp("app");
  const absent = `http://127.0.0.1:${await unusedPort()}`;
  const { url } = await openProxy({
    routes: { "/:path*": app.url, "/x": { target: absent, fallback: app.url } },
  });
  const answer = await ask(`${url}/__crosswire`);
  expect([answer.status, answer.headers["cache-control"]]).toEqual([200, "no-store"]);
  expect(jsonOf(answer)).toEqual({
    uptimeMs: expect.any(Number) as number,
    engine: { name: "crosswire", connections: 0, idleConnections: 0, exchanges: 0, tunnels: 0 },
    apps: [
      { app: app.url, target: app.url, isReachable: true },
      { app: absent, target: absent, fallback: app.url, isReachable: false },
    ],
    routes: [
      { pattern: "/:path*", app: app.url },
      { pattern: "/x", app: absent },
    ],
    counters: expect.any(Object) as object,
  });
});

test("counts what went through it, and not the questions about it", async () => {
  const app = await openApp("app");
  const { url, entries } = await openProxy({
    routes: { "/:path*": app.url, "/down": "http://127.0.0.1:1" },
    limits: { proxyHoldMs: 1 },
  });
  const { body } = await ask(url, { method: "POST", body: "12345" });
  await ask(`${url}/down`);
  const { ws, messages, closed } = await openSocket(url);
  await messages.next();
  expect(jsonOf(await ask(`${url}/__crosswire`))["counters"]).toMatchObject({ openWebSockets: 1 });
  ws.close();
  await closed;
  for (let n = 0; n < 3; n++) await entries.next();
  expect(jsonOf(await ask(`${url}/__crosswire`))["counters"]).toEqual({
    requests: 2,
    refused: 0,
    webSockets: 1,
    openWebSockets: 0,
    statuses: { "1xx": 1, "2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1 },
    failures: 1,
    fallbacks: 0,
    // A frame of four bytes and its mask each way, at least.
    bytesUp: expect.any(Number) as number,
    bytesDown: expect.any(Number) as number,
  });
  expect(body.length).toBeGreaterThan(0);
});

test("tells that it is healthy, and whether an application is there", async () => {
  const app = await openApp("web");
  const { url } = await openProxy({
    microfrontends: microfrontendsOf({
      web: { local: app.port },
      "näh/er": { local: await unusedPort(), paths: ["/x"] },
    }),
  });
  const told = async (path: string): Promise<unknown> =>
    jsonOf(await ask(`${url}/__crosswire/${path}`));
  expect(await told("health")).toEqual({ isHealthy: true });
  expect(await told("apps/web")).toEqual({ app: "web", isReachable: true });
  expect(await told("apps/n%C3%A4h%2Fer?x")).toEqual({ app: "näh/er", isReachable: false });
});

test.each(["apps/other", "apps/", "apps/%zz", "apps/__proto__", "apps/constructor", "ipc", "x/y"])(
  "knows nothing of /__crosswire/%s",
  async (path) => {
    const app = await openApp("app");
    const { url } = await openProxy({ target: app.url });
    const answer = await ask(`${url}/__crosswire/${path}`);
    expect([answer.status, jsonOf(answer)["code"]]).toEqual([404, "XW_REFUSED"]);
    expect(jsonOf(answer)["error"]).toContain("there are /__crosswire, /__crosswire/health and");
    expect(app.connections).toBe(0);
  },
);

test("answers GET and HEAD only", async () => {
  const { url } = await openProxy({ target: "http://127.0.0.1:1" });
  const head = await ask(`${url}/__crosswire/health`, { method: "HEAD" });
  expect([head.status, head.body]).toEqual([200, ""]);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const answer = await ask(`${url}/__crosswire/health`, { method });
    expect([answer.status, answer.headers["allow"]]).toEqual([405, "GET, HEAD"]);
  }
});

test("is not claimed by any route", async () => {
  const app = await openApp("app");
  const { url, proxy } = await openProxy({
    routes: {
      "/__crosswire": app.url,
      "/__crosswire/:path*": app.url,
      "/__crosswire/health": app.url,
    },
  });
  for (const path of ["/__crosswire", "/__crosswire?x", "/__crosswire/health", "/__crosswire/y"])
    await ask(url + path);
  for (const path of ["/__crosswire", "/__crosswire/ipc"]) {
    const refusal = await refusedSocket(url + path);
    expect([refusal.status, JSON.parse(refusal.body)]).toEqual([
      404,
      { error: `no WebSocket is served at "${path}"`, code: "XW_REFUSED" },
    ]);
  }
  expect(proxy.stats().counters).toMatchObject({ requests: 0, webSockets: 0 });
});

test("is the applications' where it only begins alike", async () => {
  const app = await openApp("app");
  const { url } = await openProxy({ target: app.url });
  expect(jsonOf(await ask(`${url}/__crosswire2/health`))["app"]).toBe("app");
});

test.each([
  ["a page of another origin", { Origin: "http://evil.example" }, 403],
  ["a page of another site that hides its origin", { "Sec-Fetch-Site": "cross-site" }, 403],
  ["a sandboxed page", { Origin: "null" }, 403],
  ["a rebound name", { Host: "evil.example:{port}" }, 403],
  ["a Host without our port", { Host: "localhost:1" }, 403],
])("is not told to %s", async (_who, headers, status) => {
  const { url, port } = await openProxy({ target: "http://127.0.0.1:1" });
  const filled = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace("{port}", String(port)),
  ]);
  for (const path of ["", "/health", "/apps/x"]) {
    const answer = await ask(`${url}/__crosswire${path}`, {
      headers: Object.fromEntries(filled) as Record<string, string>,
    });
    expect([answer.status, jsonOf(answer)["code"]]).toEqual([status, "XW_REFUSED"]);
  }
});

test("is told beyond this machine only to who has the token", async () => {
  const token = "a-token-of-32-characters-or-more";
  const app = await openApp("app");
  const { url } = await openProxy({ target: app.url, host: "0.0.0.0", token });
  const asked = (authorization?: string): Promise<{ status: number }> =>
    ask(`${url}/__crosswire/health`, {
      headers: authorization === undefined ? {} : { Authorization: authorization },
    });
  expect((await asked()).status).toBe(401);
  expect((await asked("Bearer wrong-token-of-32-characters-or-so")).status).toBe(401);
  expect((await asked(`Bearer ${token}`)).status).toBe(200);
  // The page of an application that is down has no token, and asks for nothing else.
  const check = `${url}/__crosswire/apps/${encodeURIComponent(app.url)}`;
  expect(jsonOf(await ask(check))).toEqual({ app: app.url, isReachable: true });
  expect((await ask(check, { headers: { Origin: "http://evil.example" } })).status).toBe(403);
  // What is proxied has its own rules.
  expect((await ask(url)).status).toBe(200);
});
