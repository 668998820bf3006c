// Next's development server behind the proxy: one application at the root, one below a path, and Vite beside them. The
// one at the root has crosswire/register preloaded, which it never notices until the test answers its requests.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { DevServer } from "../fixtures/dev-servers/dev-server.ts";
import { HmrSocket } from "../fixtures/dev-servers/hmr-socket.ts";
import {
  editHeading,
  loadNextPage,
  openNextPage,
  startNext,
} from "../fixtures/dev-servers/next.ts";
import { editGreeting, openVitePage, startVite } from "../fixtures/dev-servers/vite.ts";
import { rejection } from "../fixtures/wait.ts";
import { registerUrl } from "./cpri/app.ts";
import { type OpenProxy, openProxy } from "./open-proxy.ts";

const START_MS = 90_000;
/** What is asked for the first time is compiled for it. */
const COMPILE_MS = 60_000;

let site: DevServer;
let shop: DevServer;
let docs: DevServer;
let proxy: OpenProxy;

/** What the application sends and no handler of the test is for. */
const unhandled: string[] = [];
const remote = setupRemoteServer({
  onUnhandledRequest: ({ method, url }) => void unhandled.push(`${method} ${url}`),
});

beforeAll(async () => {
  await remote.listen();
  [site, shop, docs] = await Promise.all([
    startNext("", registerUrl()),
    startNext("/shop"),
    startVite("/docs/"),
  ]);
  proxy = await openProxy({
    "/docs/:path*": docs.url,
    "/shop/:path*": shop.url,
    "/:path*": site.url,
  });
}, START_MS);

afterAll(async () => {
  await Promise.all([proxy.close(), remote.close()]);
  await Promise.all([site, shop, docs].map((server) => server.close()));
});

function pageAt(path: string, host = "localhost"): URL {
  return new URL(path, `http://${host}:${new URL(proxy.url).port}`);
}

describe.each([
  { path: "/", below: "", server: () => site },
  { path: "/shop", below: "/shop", server: () => shop },
])("an application at $path", ({ path, below, server }) => {
  test("is served with its scripts", async () => {
    const { html } = await loadNextPage(pageAt(path));
    expect(html).toContain("<h1>");
    const scripts = [...html.matchAll(/<script src="([^"]+)"/g)].map(([, script]) => script ?? "");
    expect(scripts.length).toBeGreaterThan(5);
    for (const script of scripts) {
      expect(script).toMatch(new RegExp(`^${below}/_next/`));
      const response = await fetch(pageAt(script));
      expect({ script, status: response.status }).toEqual({ script, status: 200 });
      expect(response.headers.get("content-type")).toContain("javascript");
      await response.arrayBuffer();
    }
  });

  test("answers what its router asks for when a link is followed", async () => {
    const response = await fetch(pageAt(`${below}/about?_rsc=1`), { headers: { RSC: "1" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("text/x-component");
    expect(await response.text()).toContain("the page about it");
  });

  test("tells its page of an edit", async () => {
    const socket = await openNextPage(pageAt(path));
    await editHeading(server(), "an edited heading");
    expect(await socket.next("serverComponentChanges")).toBeDefined();
    expect(await socket.next("built")).toMatchObject({ errors: [] });
    const { html } = await loadNextPage(pageAt(path));
    expect(html).toContain("an edited heading");
  });

  test("runs the server action of a form", async () => {
    const page = pageAt(path);
    const form = new FormData();
    form.set(`$ACTION_ID_${await actionOf(page)}`, "");
    form.set("name", "somebody");
    const headers = { Origin: page.origin };
    const response = await fetch(page, { method: "POST", body: form, headers });
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/Greeted: (<!-- -->)?somebody/);
  });
});

test("a server action sees the host that the page was opened at, whatever the request claims", async () => {
  const page = pageAt("/");
  // Next refuses the action unless the Origin is at X-Forwarded-Host: whoever may choose both may call it.
  const claims = { Origin: page.origin, "X-Forwarded-Host": "evil.example" };
  const action = {
    "Next-Action": await actionOf(page),
    "Content-Type": "text/plain;charset=UTF-8",
  };
  const headers = { ...claims, ...action };
  const response = await fetch(page, { method: "POST", body: '["a friend"]', headers });
  expect(response.status).toBe(200);
  await response.arrayBuffer();
  expect((await loadNextPage(page)).html).toMatch(/Greeted: (<!-- -->)?a friend/);
});

test("pages of Next and Vite that are open at once hear of the edits of their own application only", async () => {
  const vite = await openVitePage(pageAt("/docs/"));
  const root = await openNextPage(pageAt("/"));
  const below = await openNextPage(pageAt("/shop"));
  const heardOfChanges = (): boolean[] =>
    [root, below].map((page) => page.types().includes("serverComponentChanges"));

  await editGreeting(docs, "a greeting among others");
  await vite.next("update");
  expect(heardOfChanges()).toEqual([false, false]);
  await editHeading(shop, "a heading among others");
  await below.next("serverComponentChanges");
  expect(heardOfChanges()).toEqual([false, true]);
  await editHeading(site, "another heading among others");
  await root.next("serverComponentChanges");

  expect(new Set(vite.types())).toEqual(new Set(["connected", "update"]));
  for (const page of [root, below]) expect(page.types()).not.toContain("update");
});

test("a page at 127.0.0.1 gets a 502, because Next refuses it in words that are no HTTP", async () => {
  const { target } = await loadNextPage(pageAt("/"));
  const opening = HmrSocket.open(pageAt("/", "127.0.0.1"), target);
  expect(await rejection(opening)).toMatchObject({ message: "The upgrade was answered with 502." });
});

describe("an application whose network is the test", () => {
  /** What the service would answer, in somebody's name. */
  function catalogue(name: string): ReturnType<typeof http.all> {
    return http.all("https://catalogue.example/*", async ({ request }) => {
      const { pathname } = new URL(request.url);
      return HttpResponse.text(`${name} about ${pathname}${await request.text()}`);
    });
  }

  /** What each part of the application heard from the service. */
  async function heard(headers: Readonly<Record<string, string>> = {}): Promise<object> {
    const order = { method: "POST", headers, body: ": a lamp" };
    const [page, route, edge] = await Promise.all([
      fetch(pageAt("/shelf"), { headers }),
      fetch(pageAt("/api/orders"), order),
      fetch(pageAt("/api/edge"), { headers }),
    ]);
    const html = (await page.text()).replaceAll("<!-- -->", "");
    const [, component] = /<h1>On the shelf: (.*)<\/h1>/.exec(html) ?? [];
    const middleware = page.headers.get("X-Offer");
    return { middleware, component, route: await route.text(), edge: await edge.text() };
  }

  function heardOf(name: string): object {
    return {
      middleware: `${name} about /offers`,
      component: `${name} about /items/chair`,
      route: `${name} about /orders: a lamp`,
      edge: `${name} about /items/lamp`,
    };
  }

  const PARTS = "middleware, server components, route handlers and the edge runtime";
  test(`is answered in ${PARTS}`, { timeout: COMPILE_MS }, async () => {
    await remote.use(catalogue("the test"));
    onTestFinished(() => remote.resetHandlers());
    expect(await heard()).toEqual(heardOf("the test"));
  });

  test("answers each of three tests at once with what that one said", async () => {
    await remote.use(catalogue("nobody"));
    onTestFinished(() => remote.resetHandlers());
    await using anna = remote.context();
    await using bert = remote.context();
    await Promise.all([anna.use(catalogue("Anna")), bert.use(catalogue("Bert"))]);
    const cookie = { Cookie: `${bert.cookie.name}=${bert.cookie.value}` };
    const answers = await Promise.all([heard(anna.headers), heard(cookie), heard()]);
    expect(answers).toEqual(["Anna", "Bert", "nobody"].map((name) => heardOf(name)));
  });

  test("is answered as before after an edit, of which its page hears", async () => {
    await remote.use(catalogue("the test"));
    onTestFinished(() => remote.resetHandlers());
    // The page is below the place where its client connects.
    const { target } = await loadNextPage(pageAt("/shelf"));
    const socket = await HmrSocket.open(pageAt("/"), target.replace("/shelf", ""));
    await socket.next("sync");
    await site.edit("app/shelf/page.jsx", /On the shelf/, "In the shop");
    await socket.next("serverComponentChanges");
    await socket.next("built");
    const { html } = await loadNextPage(pageAt("/shelf"));
    expect(html).toMatch(/<h1>In the shop: (<!-- -->)?the test about \/items\/chair<\/h1>/);
  });

  test("is asked about nothing that Next does for itself", () => {
    expect(unhandled).toEqual([]);
  });
});

async function actionOf(page: URL): Promise<string> {
  const { html } = await loadNextPage(page);
  const action = /name="\$ACTION_ID_([^"]+)"/.exec(html)?.[1];
  if (action === undefined) throw new Error(`The page at ${page.href} has no form.`);
  return action;
}
