// Applications that are starting, or down: who waits, for how long, and what everybody is told then.

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { openRawServer } from "../fixtures/raw-server.ts";
import { rejection, until } from "../fixtures/wait.ts";
import { type App, echoOf, openApp } from "../proxy/apps.ts";
import {
  ask,
  begin,
  jsonOf,
  type OpenProxy,
  openProxy,
  openSocket,
  refusedSocket,
  unusedPort,
  untilHeld,
} from "../proxy/world.ts";

const PAGE = { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

interface Starting extends OpenProxy {
  /** Where the application will be. */
  readonly target: string;
  startApp(): Promise<App>;
}

/** A proxy in front of an application that is not there yet. */
async function openStarting(proxyHoldMs = 10_000): Promise<Starting> {
  const appPort = await unusedPort();
  const target = `http://127.0.0.1:${appPort}`;
  const opened = await openProxy({ target, limits: { proxyHoldMs } });
  return { ...opened, target, startApp: () => openApp("app", { port: appPort }) };
}

test("a request with a body of 1 MB reaches an application that starts after it", async () => {
  const starting = await openStarting();
  const body = "x".repeat(1_000_000);
  const answered = ask(`${starting.url}/save?draft=1`, {
    method: "POST",
    headers: { "Content-Type": "text/plain", Cookie: "a=1; b=2", "X-Mine": "kept" },
    body,
  });
  await untilHeld(starting);
  await starting.startApp();
  const answer = await answered;
  const echo = echoOf(answer);
  expect(answer.status).toBe(200);
  expect(echo).toMatchObject({ method: "POST", url: "/save?draft=1" });
  expect(echo.headers).toMatchObject({
    "content-type": "text/plain",
    cookie: "a=1; b=2",
    "x-mine": "kept",
  });
  expect(echo.body === body).toBe(true);
  const entry = await starting.entries.next();
  expect(entry).toMatchObject({ status: 200, bytesUp: 1_000_000 });
  expect(entry.heldMs).toBeGreaterThan(0);
});

test("a chunked upload that asks first is held, and is asked for once somebody takes it", async () => {
  const starting = await openStarting();
  const request = begin(starting.url, { method: "PUT", headers: { Expect: "100-continue" } });
  let isAsked = false;
  request.once("continue", () => {
    isAsked = true;
    request.write("one ");
    request.end("two");
  });
  const answered = until(request, "response");
  request.flushHeaders();
  await untilHeld(starting);
  expect(isAsked).toBe(false);
  await starting.startApp();
  const [response] = (await answered) as [AsyncIterable<Buffer>];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  expect(JSON.parse(String(Buffer.concat(chunks)))).toMatchObject({ body: "one two" });
});

test("everybody who waits is served when the application comes", async () => {
  const starting = await openStarting();
  const answered = Promise.all(
    Array.from({ length: 20 }, (_none, n) => ask(`${starting.url}/${n}`)),
  );
  await untilHeld(starting, 20);
  await starting.startApp();
  const urls = (await answered).map((answer) => echoOf(answer).url);
  expect(urls).toEqual(Array.from({ length: 20 }, (_none, n) => `/${n}`));
});

test("who leaves while waiting is not asked for, and is logged as gone", async () => {
  const starting = await openStarting();
  const request = begin(`${starting.url}/left`);
  request.on("error", () => {});
  request.end();
  await untilHeld(starting);
  request.destroy();
  const entry = await starting.entries.next();
  expect(entry).toMatchObject({ path: "/left", status: 499, error: { code: "XW_CANCELLED" } });
  const app = await starting.startApp();
  expect(echoOf(await ask(`${starting.url}/next`)).url).toBe("/next");
  expect(app.connections).toBe(1);
});

test("after the hold a person gets a page that says what, where and how", async () => {
  const { url, target } = await openStarting(1);
  const answer = await ask(`${url}/docs/intro?secret=1`, PAGE);
  expect(answer.status).toBe(502);
  expect(answer.headers).toMatchObject({
    "cache-control": "no-store",
    "content-type": "text/html; charset=utf-8",
    "x-content-type-options": "nosniff",
    "x-crosswire-error": "XW_UNREACHABLE",
  });
  expect(answer.body).toContain("<h1>Application unreachable: ");
  expect(answer.body).toContain("<dd>/docs/intro</dd>");
  expect(answer.body).toContain(`<dd>${target}</dd>`);
  expect(answer.body).toContain("ECONNREFUSED. Start the server, or correct the target.");
  expect(answer.body).not.toContain("secret");
});

test("the page may load nothing, and runs no script but its own", async () => {
  const { url } = await openStarting(1);
  const { headers, body } = await ask(url, PAGE);
  const policy = String(headers["content-security-policy"]);
  const [script = ""] = [...body.matchAll(/<script[^>]*>([^]*?)<\/script>/g)].map(
    ([, text = ""]) => text,
  );
  const hash = createHash("sha256").update(script).digest("base64");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain(`script-src 'sha256-${hash}'`);
  expect(body.match(/<script/g)).toHaveLength(1);
  expect(body).not.toMatch(/\bsrc=|\bhref=|url\(|@import|<link|<iframe|<img/i);
});

test("what somebody put into the path is text on the page", async () => {
  const { url } = await openStarting(1);
  const { body } = await ask(url, { ...PAGE, target: `/<script>alert(1)</script>"'&` });
  expect(body).toContain("<dd>/&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</dd>");
  expect(body.match(/<script/g)).toHaveLength(1);
});

test("HEAD gets the head of the page, and a POST of a browser gets JSON", async () => {
  const { url } = await openStarting(1);
  const head = await ask(url, { ...PAGE, method: "HEAD" });
  expect([head.status, head.headers["content-type"], head.body]).toEqual([
    502,
    "text/html; charset=utf-8",
    "",
  ]);
  const post = await ask(url, { ...PAGE, method: "POST", body: "x=1" });
  expect([post.status, jsonOf(post)["code"]]).toEqual([502, "XW_UNREACHABLE"]);
});

test.each(["*/*", "application/json", undefined])(
  "after the hold a program that accepts %s gets JSON",
  async (accept) => {
    const { url, target } = await openStarting(1);
    const answer = await ask(
      `${url}/api`,
      accept === undefined ? {} : { headers: { Accept: accept } },
    );
    expect(answer.status).toBe(502);
    expect(answer.headers).toMatchObject({
      "cache-control": "no-store",
      "content-type": "application/json; charset=utf-8",
    });
    expect(jsonOf(answer)).toEqual({
      error: `Cannot connect to ${target}: ECONNREFUSED. Start the server, or correct the target.`,
      code: "XW_UNREACHABLE",
      app: target,
      target,
      rule: "/:path*",
    });
  },
);

test("who comes after the hold is answered at once, with the time of the first one counted", async () => {
  const { url, entries } = await openStarting(300);
  await ask(url);
  expect((await entries.next()).heldMs).toBeGreaterThanOrEqual(299);
  await ask(url);
  expect(await entries.next()).not.toHaveProperty("heldMs");
});

test("an application that comes late is served from then on", async () => {
  const { url, startApp } = await openStarting(1);
  expect((await ask(url)).status).toBe(502);
  const app = await startApp();
  expect((await ask(url)).status).toBe(200);
  await app.close();
  expect((await ask(url)).status).toBe(502);
});

test("an application that is restarted is waited for each time", async () => {
  const starting = await openStarting();
  let running = await starting.startApp();
  expect((await ask(starting.url)).status).toBe(200);
  for (const requests of [2, 3]) {
    await running.close();
    const answered = ask(starting.url);
    await untilHeld(starting, requests);
    running = await starting.startApp();
    expect((await answered).status).toBe(200);
  }
});

test("a WebSocket is not held, and is refused with JSON even where a page asks", async () => {
  const { url, target, startApp, entries } = await openStarting();
  const refusal = await refusedSocket(`${url}/hmr`, PAGE);
  expect(refusal.status).toBe(502);
  expect(refusal.headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(JSON.parse(refusal.body)).toMatchObject({
    code: "XW_UNREACHABLE",
    error: expect.stringContaining(`Cannot connect to ${target}`) as string,
  });
  expect(await entries.next()).not.toHaveProperty("heldMs");
  await startApp();
  const { messages } = await openSocket(`${url}/hmr`);
  expect(await messages.next()).toBe("app /hmr");
});

test("who waits is answered when the proxy closes", async () => {
  const starting = await openStarting();
  const answered = Promise.all([ask(starting.url), ask(starting.url, PAGE)]);
  await untilHeld(starting, 2);
  await starting.proxy.close();
  expect((await answered).map(({ status }) => status)).toEqual([502, 502]);
  expect(await rejection(ask(starting.url))).toMatchObject({ code: "ECONNREFUSED" });
});

test("an application that accepts and hangs up is not taken for one that is starting", async () => {
  const rude = await openRawServer((socket) => socket.destroy());
  const { url, entries } = await openProxy({ target: `http://127.0.0.1:${rude.port}` });
  const answer = await ask(url);
  expect([answer.status, jsonOf(answer)["code"]]).toEqual([502, "XW_UPSTREAM"]);
  expect(await entries.next()).not.toHaveProperty("heldMs");
});
