// Next's development server behind the proxy: one application at the root, one below a path, and Vite beside them.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
import { type OpenProxy, openProxy } from "./open-proxy.ts";

const START_MS = 90_000;

let site: DevServer;
let shop: DevServer;
let docs: DevServer;
let proxy: OpenProxy;

beforeAll(async () => {
  [site, shop, docs] = await Promise.all([startNext(""), startNext("/shop"), startVite("/docs/")]);
  proxy = await openProxy({
    "/docs/:path*": docs.url,
    "/shop/:path*": shop.url,
    "/:path*": site.url,
  });
}, START_MS);

afterAll(async () => {
  await proxy.close();
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

async function actionOf(page: URL): Promise<string> {
  const { html } = await loadNextPage(page);
  const action = /name="\$ACTION_ID_([^"]+)"/.exec(html)?.[1];
  if (action === undefined) throw new Error(`The page at ${page.href} has no form.`);
  return action;
}
