// createProxy with a microfrontends file, over real servers: who gets which request, and what can change that.

import { readFileSync } from "node:fs";
import { createProxy } from "crosswire/http";
import { describe, expect, test } from "vitest";
import { type App, echoOf, openApp } from "../proxy/apps.ts";
import {
  type AppConfig,
  ask,
  type Asked,
  isUnused,
  jsonOf,
  microfrontendsOf,
  openProxy,
  openSocket,
  unusedPort,
} from "../proxy/world.ts";

interface RouterCase {
  readonly apps: Readonly<Record<string, { readonly paths?: readonly string[] }>>;
  readonly expect: Readonly<Record<string, string>>;
  readonly websocket?: boolean;
}

const { router } = JSON.parse(
  readFileSync(new URL("../fixtures/cases/microfrontends-turborepo.json", import.meta.url), "utf8"),
) as { readonly router: readonly RouterCase[] };

const NEXT_IMAGE = "/_next/image?url=%2Fdocs%2Fa.png&w=64&q=75";

interface World {
  readonly apps: Readonly<Record<string, App>>;
  readonly url: string;
  /** The name of the application that answers. */
  who(target: string, headers?: Asked["headers"]): Promise<string>;
}

/** Each application runs; `configs` says the rest of it. */
async function openWorld(
  configs: Readonly<Record<string, AppConfig>>,
  options: object = {},
): Promise<World> {
  const opened = await Promise.all(
    Object.keys(configs).map(async (name) => [name, await openApp(name)] as const),
  );
  const apps = Object.fromEntries(opened);
  const filled = opened.map(([name, { port }]) => [name, { local: port, ...configs[name] }]);
  const { url } = await openProxy({
    microfrontends: microfrontendsOf(Object.fromEntries(filled) as typeof configs),
    ...options,
  });
  const who: World["who"] = async (target, headers = {}) =>
    echoOf(await ask(url, { target, headers })).app;
  return { apps, url, who };
}

describe("real servers get what Turborepo's cases say", () => {
  test.each(router.map((row) => ({ ...row, names: Object.keys(row.apps).join(", ") })))(
    "$names",
    async ({ apps, expect: expected, websocket = false }) => {
      const configs = Object.entries(apps).map(([name, { paths }]) => [name, paths && { paths }]);
      const { url, who } = await openWorld(
        Object.fromEntries(configs) as Record<string, AppConfig>,
      );
      for (const [target, name] of Object.entries(expected)) {
        expect([target, await who(target)]).toEqual([target, name]);
        if (!websocket) continue;
        const { ws, messages } = await openSocket(url + target);
        expect(await messages.next()).toBe(`${name} ${target}`);
        ws.close();
      }
    },
  );
});

test("two applications and their WebSockets at once do not get in each other's way", async () => {
  const { url } = await openWorld({ web: {}, docs: { paths: ["/docs/:path*"] } });
  const [web, docs] = await Promise.all([openSocket(`${url}/hmr`), openSocket(`${url}/docs/hmr`)]);
  for (const { ws } of [web, docs]) ws.send("edited");
  expect([await web.messages.next(), await web.messages.next()]).toEqual([
    "web /hmr",
    "web: edited",
  ]);
  expect([await docs.messages.next(), await docs.messages.next()]).toEqual([
    "docs /docs/hmr",
    "docs: edited",
  ]);
});

describe("a route with a flag", () => {
  const configs = { web: {}, docs: { paths: ["/docs"], flag: "new-docs" } };

  test("is closed until the flag is on", async () => {
    expect(await (await openWorld(configs)).who("/docs")).toBe("web");
    expect(await (await openWorld(configs, { flags: { other: true } })).who("/docs")).toBe("web");
    expect(await (await openWorld(configs, { flags: { "new-docs": true } })).who("/docs")).toBe(
      "docs",
    );
  });

  test("is asked for with the request where flags are a function", async () => {
    const { who } = await openWorld(configs, {
      flags: (name: string, request: { headers: Record<string, unknown> }) =>
        name === "new-docs" && request.headers["x-beta"] === "1",
    });
    expect([await who("/docs"), await who("/docs", { "X-Beta": "1" })]).toEqual(["web", "docs"]);
  });

  test("can be forced by the query, which the application does not see", async () => {
    const { url } = await openWorld(configs, { flags: { "new-docs": true } });
    const forced = echoOf(await ask(`${url}/docs?a=1&vercel-mfe-flag-value=false&b=2`));
    expect([forced.app, forced.url]).toEqual(["web", "/docs?a=1&b=2"]);
    const other = await openWorld(configs);
    const echo = echoOf(await ask(`${other.url}/docs?vercel-mfe-flag-value=true`));
    expect([echo.app, echo.url]).toEqual(["docs", "/docs"]);
  });
});

describe("a request can choose", () => {
  const ENV = "vercel-micro-frontends-override:env:";

  test("the application, by a header of middleware", async () => {
    const { who } = await openWorld({ web: {}, docs: { paths: ["/docs"] } });
    expect(await who("/x", { "X-Vercel-Mfe-Zone": "docs" })).toBe("docs");
    expect(await who("/docs", { "X-Vercel-Mfe-Zone": "web" })).toBe("web");
    expect(await who("/docs", { "X-Vercel-Mfe-Zone": "nobody" })).toBe("docs");
  });

  test("what is deployed, by a cookie that names the configured host", async () => {
    const deployed = await openApp("deployed");
    const { who, url } = await openWorld({
      web: {},
      docs: { paths: ["/docs"], fallback: deployed.url },
    });
    const Cookie = `x=1; ${ENV}docs=127.0.0.1:${deployed.port}`;
    expect([await who("/docs"), await who("/docs", { Cookie })]).toEqual(["docs", "deployed"]);
    const answer = await ask(`${url}/docs`, { headers: { Cookie } });
    expect(answer.headers["x-crosswire-served-by"]).toBe(`fallback ${deployed.url}`);
    expect(echoOf(answer).headers.host).toBe(`127.0.0.1:${deployed.port}`);
  });

  test("what is deployed, and is not given what runs here when that is down", async () => {
    const gone = await unusedPort();
    const { url } = await openWorld({
      web: {},
      docs: { paths: ["/docs"], fallback: `http://127.0.0.1:${gone}` },
    });
    const answer = await ask(`${url}/docs`, {
      headers: { Cookie: `${ENV}docs=127.0.0.1:${gone}` },
    });
    expect([answer.status, jsonOf(answer)["code"]]).toEqual([502, "XW_UNREACHABLE"]);
  });

  test("what runs here though it is deployed, by a cookie that names that", async () => {
    const deployed = await openApp("deployed");
    const { apps, who } = await openWorld({ web: { fallback: deployed.url } });
    expect(await who("/", { Cookie: `${ENV}web=localhost:${apps["web"]!.port}` })).toBe("web");
  });

  test("no host that the file does not name for that application", async () => {
    const foreign = await openApp("foreign");
    const { who, apps } = await openWorld({ web: {}, docs: { paths: ["/docs"] } });
    const hosts = [`127.0.0.1:${foreign.port}`, foreign.url, `localhost:${apps["web"]!.port}`];
    for (const host of hosts)
      expect(await who("/docs", { Cookie: `${ENV}docs=${host}` })).toBe("docs");
    expect(foreign.connections).toBe(0);
  });
});

test("assets without a prefix go to the application of the page that asks", async () => {
  const { who, url } = await openWorld({ web: {}, docs: { paths: ["/docs/:path*"] } });
  expect(await who("/_next/static/a.js")).toBe("web");
  expect(await who("/_next/static/a.js", { Referer: `${url}/docs/intro` })).toBe("docs");
  expect(await who("/_next/static/a.js", { Referer: "http://evil.example/docs/intro" })).toBe(
    "web",
  );
  expect(await who("/other", { Referer: `${url}/docs/intro` })).toBe("web");
  expect(await who(NEXT_IMAGE)).toBe("docs");
  expect(await who("/vc-ap-docs/a.js")).toBe("docs");
});

test("an application is found on the port that is made from its name", async () => {
  // Whichever name makes a free port: the port follows from nothing but the name.
  for (let n = 0; ; n++) {
    const name = `made-${process.pid}-${n}`;
    const microfrontends = microfrontendsOf({ [name]: {} });
    const { port } = microfrontends.apps[0]!.local;
    if (!(await isUnused(port))) continue;
    await openApp(name, { port });
    const { url } = await openProxy({ microfrontends });
    expect(echoOf(await ask(url)).app).toBe(name);
    return;
  }
});

test("the proxy listens where the file says, unless it is told otherwise", async () => {
  const port = await unusedPort();
  const microfrontends = microfrontendsOf({ web: { local: 1 } }, { localProxyPort: port });
  const { port: chosen } = await openProxy({ microfrontends });
  expect(chosen).not.toBe(port);
  const proxy = createProxy({ microfrontends });
  await proxy.start();
  expect(proxy.getPort()).toBe(port);
  await proxy.close();
});

test("an application that the file does not have cannot be expected", () => {
  const microfrontends = microfrontendsOf({ web: {}, docs: { paths: ["/docs"] } });
  const attempt = (): unknown => createProxy({ microfrontends, localApps: ["web", "shop"] });
  expect(attempt).toThrow(TypeError);
  expect(attempt).toThrow('has no application "shop"; it has web, docs.');
});
