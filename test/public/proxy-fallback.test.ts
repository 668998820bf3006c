// Applications that do not run here: what is deployed answers in their place, as far as the browser can tell.

import type { ProxyOptions } from "crosswire/http";
import { expect, test } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import {
  ask,
  jsonOf,
  microfrontendsOf,
  type OpenProxy,
  openProxy,
  openSocket,
  unusedPort,
  untilHeld,
} from "../proxy/world.ts";

interface Deployed extends OpenProxy {
  /** Where the application would run here. */
  readonly localPort: number;
}

/** A proxy whose application does not run, but is deployed at `fallback`. */
async function openDeployed(
  fallback: string,
  limits: NonNullable<ProxyOptions["limits"]> = {},
): Promise<Deployed> {
  const localPort = await unusedPort();
  const target = `http://127.0.0.1:${localPort}`;
  const opened = await openProxy({ routes: { "/:path*": { target, fallback } }, limits });
  return { ...opened, localPort };
}

/** The response fields that come through a proxy when what is deployed answers with these. */
async function localizedFields(
  fields: readonly string[],
  base = "",
): Promise<{ readonly origin: string; readonly got: readonly string[] }> {
  let origin = "";
  const deployed = await openHttpOrigin((_request, response) => {
    const filled = fields.map((text) => text.replace("{origin}", origin));
    response.writeHead(200, filled).end();
  });
  origin = deployed.url;
  const { url } = await openDeployed(origin + base);
  const { rawHeaders } = await ask(`${url}/x`);
  const ours = new Set(fields.filter((_text, i) => i % 2 === 0));
  const pairs = rawHeaders
    .filter((_text, i) => i % 2 === 0)
    .map((name, i) => [name, rawHeaders[2 * i + 1]!]);
  return { origin, got: pairs.filter(([name]) => ours.has(name!)).map(([, value]) => value!) };
}

test("a request reaches what is deployed with everything it has, and under its name", async () => {
  const deployed = await openApp("deployed");
  const { url, entries } = await openDeployed(deployed.url);
  const answer = await ask(`${url}/a%20b?page=2&x=%2F`, {
    method: "PATCH",
    headers: { Cookie: "session=1", "Accept-Language": "de", Authorization: "Bearer of-the-user" },
    body: "z".repeat(100_000),
  });
  const echo = echoOf(answer);
  expect(answer.status).toBe(200);
  expect(echo).toMatchObject({ app: "deployed", method: "PATCH", url: "/a%20b?page=2&x=%2F" });
  expect(echo.body).toHaveLength(100_000);
  expect(echo.headers).toMatchObject({
    host: `127.0.0.1:${deployed.port}`,
    cookie: "session=1",
    "accept-language": "de",
    authorization: "Bearer of-the-user",
  });
  expect(answer.headers["x-crosswire-served-by"]).toBe(`fallback ${deployed.url}`);
  const entry = await entries.next();
  expect(entry).toMatchObject({ status: 200, isFallback: true, target: deployed.url });
  expect(entry).not.toHaveProperty("heldMs");
});

test("the application is used as soon as it runs here, and no longer once it does not", async () => {
  const deployed = await openApp("deployed");
  const { url, localPort, proxy } = await openDeployed(deployed.url);
  const who = async (): Promise<string> => echoOf(await ask(url)).app;
  expect(await who()).toBe("deployed");
  const local = await openApp("local", { port: localPort });
  expect(await who()).toBe("local");
  expect((await ask(url)).headers).not.toHaveProperty("x-crosswire-served-by");
  await local.close();
  expect(await who()).toBe("deployed");
  expect(proxy.stats().counters.fallbacks).toBe(2);
});

test("an application that answers with an error is not replaced", async () => {
  const deployed = await openApp("deployed");
  const { url, localPort } = await openDeployed(deployed.url);
  await openHttpOrigin((_request, response) => response.writeHead(503).end("broken"), {
    port: localPort,
  });
  expect(await ask(url)).toMatchObject({ status: 503, body: "broken" });
  expect(deployed.connections).toBe(0);
});

test("a WebSocket reaches what is deployed", async () => {
  const deployed = await openApp("deployed");
  const { url } = await openDeployed(deployed.url);
  const { ws, messages } = await openSocket(`${url}/live`);
  expect(await messages.next()).toBe("deployed /live");
  ws.send("hello");
  expect(await messages.next()).toBe("deployed: hello");
});

test.each([
  ["{origin}/login?next=%2F", "/login?next=%2F"],
  ["{origin}", "/"],
  ["{origin}?a=1", "/?a=1"],
  ["/login", "/login"],
  ["login", "login"],
  ["https://accounts.example/login", "https://accounts.example/login"],
  ["{origin}.evil.example/", "{origin}.evil.example/"],
  ["{origin}@evil.example/", "{origin}@evil.example/"],
  ["//evil.example/", "//evil.example/"],
  ["{origin}//evil.example/", "{origin}//evil.example/"],
])("a redirect to %s leads the browser to %s", async (from, to) => {
  const { origin, got } = await localizedFields(["Location", from]);
  expect(got).toEqual([to.replace("{origin}", origin)]);
});

test.each([
  ["{origin}/shop/login", "/login"],
  ["/shop/login?x", "/login?x"],
  ["/shop", "/"],
  ["{origin}/shop?x", "/?x"],
  ["/other/login", "/other/login"],
  ["/shopping", "/shopping"],
  ["{origin}/other", "{origin}/other"],
])("below the base path /shop, a redirect to %s leads the browser to %s", async (from, to) => {
  const { origin, got } = await localizedFields(["Location", from], "/shop");
  expect(got).toEqual([to.replace("{origin}", origin)]);
});

test.each([
  ["a=1; Domain=.example.com; Path=/; Secure; HttpOnly", "a=1; Path=/; HttpOnly"],
  ["a=1; SameSite=None; Secure", "a=1; SameSite=Lax"],
  ["a=1; samesite=NONE; SECURE; Partitioned", "a=1; samesite=Lax"],
  ["a=1; SameSite=Strict; Max-Age=60", "a=1; SameSite=Strict; Max-Age=60"],
  ["a=secure; domain = example.com", "a=secure"],
  ["__Host-a=1; Secure; Path=/; SameSite=None", "__Host-a=1; Secure; Path=/; SameSite=None"],
  ["__Secure-a=1; Domain=example.com; Secure", "__Secure-a=1; Secure"],
])("the cookie %s becomes %s", async (from, to) => {
  const { got } = await localizedFields(["Set-Cookie", from, "Set-Cookie", "b=2"]);
  expect(got).toEqual([to, "b=2"]);
});

test("what binds a browser to the deployed host stays away from localhost", async () => {
  const { got } = await localizedFields([
    ...["Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload"],
    ...["Alt-Svc", 'h3=":443"'],
    ...["X-Crosswire-Served-By", "somebody else"],
    ...["X-Kept", "kept"],
  ]);
  expect(got).toEqual(["kept"]);
});

test("an answer of the application itself is not changed", async () => {
  const fields = {
    "set-cookie": ["a=1; Domain=localhost; Secure"],
    "strict-transport-security": "max-age=1",
    location: "http://127.0.0.1:9/x",
  };
  const app = await openHttpOrigin((_request, response) => response.writeHead(302, fields).end());
  const { url } = await openProxy({
    routes: { "/:path*": { target: app.url, fallback: "http://127.0.0.1:9" } },
  });
  expect((await ask(url)).headers).toMatchObject(fields);
});

test("when what is deployed is down too, the client is told of both", async () => {
  const fallback = `http://127.0.0.1:${await unusedPort()}`;
  const { url, localPort, entries } = await openDeployed(fallback, { proxyHoldMs: 30 });
  const answer = await ask(url);
  expect([answer.status, jsonOf(answer)["code"]]).toEqual([502, "XW_UNREACHABLE"]);
  expect(jsonOf(answer)["error"]).toContain(`Cannot connect to http://127.0.0.1:${localPort}`);
  expect(jsonOf(answer)["error"]).toContain(`Cannot connect to ${fallback}`);
  const entry = await entries.next();
  expect(entry).toMatchObject({ status: 502, target: `http://127.0.0.1:${localPort}` });
  expect(entry.heldMs).toBeGreaterThan(0);
});

test("when what is deployed is out of reach, an application that is starting is waited for", async () => {
  const opened = await openDeployed(`http://127.0.0.1:${await unusedPort()}`);
  const answered = ask(`${opened.url}/x`);
  await untilHeld(opened);
  await openApp("local", { port: opened.localPort });
  expect(echoOf(await answered).app).toBe("local");
});

test("an application that is being started is waited for before what is deployed answers", async () => {
  const deployed = await openApp("deployed");
  const local = await unusedPort();
  const opened = await openProxy({
    microfrontends: microfrontendsOf({
      web: { local, fallback: deployed.url },
      docs: { local: await unusedPort(), fallback: deployed.url, paths: ["/docs/:path*"] },
    }),
    localApps: ["web"],
  });
  const answered = ask(`${opened.url}/`);
  await untilHeld(opened);
  // The other one is not being started.
  expect(echoOf(await ask(`${opened.url}/docs/x`)).app).toBe("deployed");
  await openApp("web", { port: local });
  expect(echoOf(await answered).app).toBe("web");
});

test("an application that was expected and does not come is replaced after the hold", async () => {
  const deployed = await openApp("deployed");
  const { url, entries } = await openProxy({
    microfrontends: microfrontendsOf({
      web: { local: await unusedPort(), fallback: deployed.url, extra: { packageName: "@x/web" } },
    }),
    localApps: ["@x/web"],
    limits: { proxyHoldMs: 20 },
  });
  expect(echoOf(await ask(url)).app).toBe("deployed");
  const entry = await entries.next();
  expect(entry).toMatchObject({ isFallback: true, status: 200 });
  expect(entry.heldMs).toBeGreaterThanOrEqual(19);
});
