// The page of an application that is not there: what it shows is text, and its script brings the application back.

import { createContext, runInContext } from "node:vm";
import { expect, test } from "vitest";
import { unavailablePage } from "../../src/http/proxy/unavailable-page.ts";
import { deferred } from "../fixtures/wait.ts";
import { openApp } from "./apps.ts";
import { ask, microfrontendsOf, type OpenProxy, openProxy, unusedPort } from "./world.ts";

const HOSTILE = `"><img src=x onerror='alert(1)'>&`;
const HARMLESS = "&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;";
const PAGE = { headers: { Accept: "text/html" } };

test("all that the page says is text, whatever it is made of", () => {
  const page = unavailablePage(
    {
      path: HOSTILE,
      app: HOSTILE,
      target: HOSTILE,
      rule: HOSTILE,
      reason: HOSTILE,
      startCommand: HOSTILE,
    },
    HOSTILE,
  );
  // Title, heading, five lines, the command, and where to check.
  expect(page.split(HARMLESS)).toHaveLength(10);
  expect(page).not.toContain("<img");
});

test("the page of an application whose name has quotes and signs names it, and how to start it", async () => {
  const name = `a"b'<c>&`;
  const local = await unusedPort();
  const { url } = await openProxy({
    microfrontends: microfrontendsOf({
      web: { local: await unusedPort() },
      [name]: { local, task: "start", paths: ["/docs"] },
    }),
    limits: { proxyHoldMs: 1 },
  });
  const { body } = await ask(`${url}/docs`, PAGE);
  expect(body).toContain("<h1>Application unreachable: a&quot;b&#39;&lt;c&gt;&amp;</h1>");
  expect(body).toContain("turbo run start --filter=a&quot;b&#39;&lt;c&gt;&amp;</code>");
  expect(body).toContain(`<dd>http://localhost:${local}</dd>`);
  expect(body).toContain("<dt>Chosen by</dt><dd>/docs</dd>");
  const [, check = ""] = /data-check="([^"]*)"/.exec(body) ?? [];
  const answer = await ask(url + check.replaceAll("&#39;", "'"));
  expect([answer.status, JSON.parse(answer.body)]).toEqual([
    200,
    { app: name, isReachable: false },
  ]);
});

test("the page reloads once its application answers, and not before", async () => {
  const port = await unusedPort();
  const proxy = await openProxy({
    target: `http://127.0.0.1:${port}`,
    limits: { proxyHoldMs: 1 },
  });
  const browser = openInBrowser(proxy, (await ask(proxy.url, PAGE)).body);
  await browser.look();
  expect(browser.reloads).toBe(0);
  await openApp("app", { port });
  await browser.look();
  expect(browser.reloads).toBe(1);
});

test("the page survives that the proxy itself is away for a while", async () => {
  const proxy = await openProxy({ target: "http://127.0.0.1:1", limits: { proxyHoldMs: 1 } });
  const browser = openInBrowser(proxy, (await ask(proxy.url, PAGE)).body);
  await proxy.proxy.close();
  await browser.look();
  expect(browser.reloads).toBe(0);
});

interface Browser {
  reloads: number;
  /** Lets the page look once, as its timer does each second. */
  look(): Promise<void>;
}

/** What the page's script needs of a browser; its requests reach the real proxy. */
function openInBrowser(proxy: OpenProxy, page: string): Browser {
  const [, check = "", script = ""] =
    /<script data-check="([^"]*)">([^]*?)<\/script>/.exec(page) ?? [];
  const looked = deferred<() => Promise<void>>();
  const browser: Browser = { reloads: 0, look: async () => (await looked.promise)() };
  const context = createContext({
    document: { currentScript: { dataset: { check } } },
    location: { reload: () => browser.reloads++ },
    setInterval: looked.resolve,
    fetch: async (path: string, { cache }: { cache: string }) => {
      expect(cache).toBe("no-store");
      const { body } = await ask(new URL(path, proxy.url).href, {
        headers: { "Sec-Fetch-Site": "same-origin" },
      });
      return { json: () => JSON.parse(body) as unknown };
    },
  });
  runInContext(script, context);
  return browser;
}
