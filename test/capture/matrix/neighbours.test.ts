// Others who replace functions, or answer requests, in the same process: each keeps what is its own.

import { execFile } from "node:child_process";
import http, { type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type Nock from "nock";
import type { MockAgent } from "undici";
import { expect, inject, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { until } from "../../fixtures/wait.ts";
import { UNDICI_COPIES, type UndiciCopy } from "../clients.ts";
import { capture, NOWHERE, PASS, respond, type TestCapture } from "../world.ts";

async function get(url: string): Promise<string> {
  const [response] = await until(http.get(url), "response");
  return text(response as IncomingMessage);
}

const ours = (): TestCapture =>
  capture(({ url }) => (url.startsWith(NOWHERE) ? respond("ours") : PASS));

/** It is active from the moment when it is loaded. */
function activeNock(): typeof Nock {
  const load = createRequire(import.meta.url);
  const nock = load("nock") as typeof Nock;
  if (!nock.isActive()) nock.activate();
  nock("http://mocked.invalid").persist().get("/").reply(200, "theirs");
  onTestFinished(() => {
    nock.cleanAll();
    nock.restore();
  });
  return nock;
}

test.each(["before", "after"])("nock that began %s us answers what is its own", async (when) => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { request } = http;
  const all = (): Promise<string[]> =>
    Promise.all([get("http://mocked.invalid/"), get(NOWHERE), get(origin.url)]);
  if (when === "after") ours();
  const nock = activeNock();
  if (when === "before") ours();
  expect(await all()).toEqual(["theirs", "ours", "real"]);
  if (when === "after") {
    nock.restore();
    expect(await get(NOWHERE)).toBe("ours");
  }
  expect(typeof request).toBe("function");
});

type WithMocks = UndiciCopy & { readonly MockAgent: typeof MockAgent };

test.each(UNDICI_COPIES)("mocks of %s stay in charge of what they mock", async (_, copy) => {
  const { asked } = capture(() => respond("ours"));
  const mocks = new (copy as WithMocks).MockAgent();
  onTestFinished(() => mocks.close());
  const origin = "http://mocked.invalid";
  mocks.get(origin).intercept({ path: "/" }).reply(200, "theirs");
  const { body } = await mocks.request({ origin, path: "/", method: "GET" });
  expect([await body.text(), asked]).toEqual(["theirs", []]);
});

test("spans are made of what is answered and of what passes, whoever began first", async () => {
  const script = join(inject("compiled").src, "test/capture/matrix/children/telemetry.js");
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 10_000 });
  const ends = ["answered", "real", "answered", "real"];
  expect(JSON.parse(stdout)).toEqual({
    "a capture begun first": { ends, spans: ["GET", "GET", "GET", "GET"] },
    "a capture begun last": { ends, spans: ["GET", "GET", "GET", "GET"] },
  });
});
