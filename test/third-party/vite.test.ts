// Vite's development server behind the proxy: one application below a path, and one at the root.

import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DevServer } from "../fixtures/dev-servers/dev-server.ts";
import { HmrSocket } from "../fixtures/dev-servers/hmr-socket.ts";
import {
  editGreeting,
  loadVitePage,
  openVitePage,
  startVite,
} from "../fixtures/dev-servers/vite.ts";
import { rejection, within } from "../fixtures/wait.ts";
import { type OpenProxy, openProxy } from "./open-proxy.ts";

const FOREIGN_HOST = "intranet.example";

let docs: DevServer;
let site: DevServer;
let proxy: OpenProxy;

beforeAll(async () => {
  [docs, site] = await Promise.all([startVite("/docs/"), startVite("/")]);
  const routes = { "/docs/:path*": docs.url, "/:path*": site.url };
  proxy = await openProxy(routes, { allowedHosts: [FOREIGN_HOST] });
});

afterAll(async () => {
  await proxy.close();
  await Promise.all([docs.close(), site.close()]);
});

function pageAt(path: string, host = "localhost"): URL {
  return new URL(path, `http://${host}:${new URL(proxy.url).port}`);
}

describe.each([
  { base: "/docs/", server: () => docs },
  { base: "/", server: () => site },
])("an application at $base", ({ base, server }) => {
  test("is served with its modules", async () => {
    const html = await (await fetch(pageAt(base))).text();
    expect(html).toContain(`src="${base}@vite/client"`);
    const response = await fetch(pageAt(`${base}main.js`));
    expect(response.headers.get("content-type")).toContain("javascript");
    expect(await response.text()).toContain(`from "${base}greeting.js`);
  });

  test("leaves to the browser what it has already", async () => {
    const module = pageAt(`${base}greeting.js`);
    const etag = (await fetch(module)).headers.get("etag") ?? "";
    const again = await fetch(module, { headers: { "If-None-Match": etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
  });

  test("tells its page of an edit", async () => {
    const socket = await openVitePage(pageAt(base));
    expect(socket.ws.protocol).toBe("vite-hmr");
    await editGreeting(server(), "an edited greeting");
    const { updates } = await socket.next("update");
    expect(updates).toEqual([
      expect.objectContaining({
        type: "js-update",
        path: "/main.js",
        acceptedPath: "/greeting.js",
      }),
    ]);
    const { timestamp } = (updates as { timestamp: number }[])[0]!;
    const edited = await fetch(pageAt(`${base}greeting.js?t=${timestamp}`));
    expect(await edited.text()).toContain("an edited greeting");
  });

  test("answers the ping by which its page learns that the server is back", async () => {
    const { target } = await loadVitePage(pageAt(base));
    const { ws } = await HmrSocket.open(pageAt(base), target, ["vite-ping"]);
    const [code] = (await within(once(ws, "close"), "the answer to the ping")) as [number];
    expect(code).toBe(1000);
  });

  test("refuses a page with a wrong token, and the page is told", async () => {
    const { target, token } = await loadVitePage(pageAt(base));
    const opening = HmrSocket.open(pageAt(base), target.replace(token, "wrong"), ["vite-hmr"]);
    expect(await rejection(opening)).toMatchObject({
      message: "The upgrade was answered with 400.",
    });
  });

  test("is reached again at once when its server was restarted on its port", async () => {
    const page = pageAt(base);
    const before = await openVitePage(page);
    const lost = within(once(before.ws, "close"), "the page to lose its server");
    await server().restart();
    await lost;
    const response = await fetch(page);
    expect(response.status).toBe(200);
    await response.text();
    const after = await openVitePage(page);
    await editGreeting(server(), "a greeting after the restart");
    expect(await after.next("update")).toBeDefined();
  });
});

test("a page at a name below localhost is served and hears of edits", async () => {
  const page = pageAt("/docs/", "app.localhost");
  const { target } = await loadVitePage(pageAt("/docs/"));
  expect((await visit(page)).statusCode).toBe(200);
  const socket = await HmrSocket.open(page, target, ["vite-hmr"]);
  await editGreeting(docs, "a greeting below localhost");
  expect(await socket.next("update")).toBeDefined();
});

test("a name that only the proxy allows is refused by Vite itself, which has allowedHosts", async () => {
  const response = await visit(pageAt("/docs/", FOREIGN_HOST));
  expect(response.statusCode).toBe(403);
  expect(await textOf(response)).toContain("allowedHosts");
});

/** A request to the proxy by whatever name, without asking the resolver for it. */
async function visit(page: URL): Promise<IncomingMessage> {
  const { port, pathname: path, host: Host } = page;
  const request = get({ host: "127.0.0.1", port, path, headers: { Host, Accept: "text/html" } });
  const [response] = (await within(once(request, "response"), `an answer at ${page.href}`)) as [
    IncomingMessage,
  ];
  return response;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return text;
}
