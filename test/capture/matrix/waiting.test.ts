// What each client does while it is decided: it waits, it times out, or it is told to give up.

import { setTimeout as wait } from "node:timers/promises";
import axios from "axios";
import { got } from "got";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { type Deferred, deferred, rejection, turn, until, within } from "../../fixtures/wait.ts";
import { CLIENTS, UNDICI_COPIES } from "../clients.ts";
import { capture, NOWHERE, PASS, respond } from "../world.ts";

const never = (): Promise<never> => new Promise(() => {});

/** What stands there instead of an answer that takes too long: the tests' own bound is far beyond. */
const TIMEOUT_MS = 40;

// The second one is longer than a request goes without showing a socket.
test.each([5, 40])("every client waits for a decision that takes %i ms", async (ms) => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  capture(async ({ url }) => {
    await wait(ms);
    return url.startsWith(origin.url) ? PASS : respond("answered");
  });
  const urls = [NOWHERE, NOWHERE.replace("http:", "https:"), origin.url];
  const ends = CLIENTS.map(async ({ name, send }) => {
    const texts = urls.map(async (url) => (await send(url)).text());
    return [name, ...(await Promise.all(texts))];
  });
  expect(await Promise.all(ends)).toEqual(
    CLIENTS.map(({ name }) => [name, "answered", "answered", "real"]),
  );
});

test("every client that gives up in the middle of an answer stops whoever produces it", async () => {
  const stopped = new Map<string, Deferred<void>>();
  async function* endless(path: string): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from("more");
        await turn();
      }
    } finally {
      stopped.get(path)?.resolve();
    }
  }
  const { asked } = capture(({ url }) => respond(endless(new URL(url).pathname)));
  const broken = CLIENTS.map(async ({ name, send }, i) => {
    const stop = deferred();
    stopped.set(`/${i}`, stop);
    const abort = new AbortController();
    const reply = await send(`${NOWHERE}/${i}`, { signal: abort.signal });
    const failed = rejection(reply.text());
    abort.abort();
    await Promise.all([failed, within(stop.promise, `the end of what ${name} asked for`)]);
  });
  await Promise.all(broken);
  await until(() => asked.every(({ signal }) => signal.aborted), "the signals");
});

test("every client that gives up in the middle of an answer that has stopped is told of", async () => {
  async function* stopping(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a");
    await never();
  }
  const { asked } = capture(() => respond(stopping()));
  const broken = CLIENTS.map(async ({ send }) => {
    const abort = new AbortController();
    const reply = await send(NOWHERE, { signal: abort.signal });
    const failed = rejection(reply.text());
    abort.abort();
    await failed;
  });
  await Promise.all(broken);
  await until(() => asked.every(({ signal }) => signal.aborted), "the signals");
});

test.each<{ client: string; ask: () => Promise<unknown>; error: object }>([
  {
    client: "fetch",
    ask: () => fetch(NOWHERE, { signal: AbortSignal.timeout(TIMEOUT_MS) }),
    error: { name: "TimeoutError" },
  },
  {
    client: "got",
    ask: () => got(NOWHERE, { retry: { limit: 0 }, timeout: { request: TIMEOUT_MS } }).text(),
    error: { code: "ETIMEDOUT", event: "request" },
  },
  {
    client: "axios",
    ask: () => axios.get(NOWHERE, { timeout: TIMEOUT_MS }),
    error: { code: "ECONNABORTED", message: `timeout of ${TIMEOUT_MS}ms exceeded` },
  },
])("a timeout of $client counts while it is decided", async ({ ask, error }) => {
  const { asked } = capture(never);
  expect(await rejection(ask())).toMatchObject(error);
  await until(() => asked[0]?.signal.aborted, "the signal");
  // It does not try again.
  expect(asked).toHaveLength(1);
});

test.each(UNDICI_COPIES)("headersTimeout of %s counts while it is decided", async (_, copy) => {
  const { asked } = capture(never);
  const settings = { path: "/", method: "GET", headersTimeout: TIMEOUT_MS } as const;
  const client = new copy.Pool(NOWHERE, {});
  onTestFinished(() => client.destroy());
  const error = await rejection(client.request(settings));
  expect(error).toMatchObject({ code: "UND_ERR_HEADERS_TIMEOUT" });
  await until(() => asked[0]?.signal.aborted, "the signal");
});

test.each(["answered", "real"])(
  "no timeout of got or axios ends too early a request that is %s after a slow decision",
  async (end) => {
    const origin = await openHttpOrigin((_, response) => response.end("real"));
    capture(async () => {
      await wait(TIMEOUT_MS);
      return end === "real" ? PASS : respond("answered");
    });
    const ms = 5_000;
    const timeout = { lookup: ms, connect: ms, socket: ms, response: ms, request: ms };
    const { body, timings } = await got(origin.url, { retry: { limit: 0 }, timeout });
    expect([body, typeof timings.phases.firstByte]).toEqual([end, "number"]);
    expect((await axios.get<string>(origin.url, { timeout: ms })).data).toBe(end);
  },
);
