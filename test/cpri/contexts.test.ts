// Handlers for the requests of one test only, while all tests share one application.

import { get, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import * as undici from "undici";
import { expect, onTestFinished, test } from "vitest";
import type { RemoteOptions } from "../../src/cpri/app-server.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import type { HandlerInput } from "../../src/cpri/handler.ts";
import type { RemoteContext } from "../../src/cpri/receiver/context.ts";
import { setupRemoteServer, setupServer } from "../../src/cpri/setup.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { rejection } from "../fixtures/wait.ts";
import { type Got, NOWHERE, world } from "./world.ts";

type Fields = Readonly<Record<string, string>>;

function saying(word: string): HandlerInput {
  return http.get("*/data", () => HttpResponse.text(word));
}

/** An application in this process that fetches on behalf of what comes in. */
async function frontOf(url: string): Promise<(headers?: Fields) => Promise<string>> {
  const front = await openHttpOrigin((_, response) => {
    void fetch(url).then(async (reply) => response.end(await reply.text()));
  });
  return async (headers = {}) => (await fetch(front.url, { headers })).text();
}

const CARRIERS: Readonly<Record<string, (context: RemoteContext) => Fields>> = {
  "its headers": ({ headers }) => headers,
  "its header alone": ({ id }) => ({ "x-crosswire-context": id }),
  "W3C baggage": ({ id }) => ({ baggage: `user=7,crosswire=${id};p=1` }),
  "a cookie": ({ cookie: { name, value } }) => ({ cookie: `a=1; ${name}=${value}` }),
};

test.each(Object.keys(CARRIERS))(
  "a context is found by %s, and is invisible to others",
  async (name) => {
    const { receiver, app } = world();
    app();
    const remote = await receiver([saying("shared")]);
    const ask = await frontOf(`${NOWHERE}/data`);
    const [one, other] = [remote.context(), remote.context()];
    await one.use(saying("one"));
    await other.use(saying("other"));
    const carry = CARRIERS[name] as (context: RemoteContext) => Fields;
    expect(await Promise.all([ask(carry(one)), ask(carry(other)), ask()])).toEqual([
      "one",
      "other",
      "shared",
    ]);
  },
);

test("parallel requests of ten contexts of three receivers never get each other's answers", async () => {
  const { receiver, start } = world();
  const app = await start();
  const receivers = await Promise.all([receiver(), receiver(), receiver()]);
  const contexts = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => {
      const context = receivers[i % 3]?.context() as RemoteContext;
      await context.use(saying(`of context ${i}`));
      return context;
    }),
  );
  const asked = Array.from({ length: 60 }, (_, i) => i % 10);
  const texts = await Promise.all(
    asked.map(async (i) => (await app.send(`${NOWHERE}/data`, contexts[i]?.headers)).text),
  );
  expect(texts).toEqual(asked.map((i) => `of context ${i}`));
});

test("a boundary has handlers of its own, which end with it", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver([saying("shared")]);
  const ask = await frontOf(`${NOWHERE}/data`);
  const inside = async (word: string): Promise<[string, string]> =>
    remote.boundary(async ({ headers }) => {
      await remote.use(saying(word));
      return [await ask(headers), await ask()];
    });
  expect(await Promise.all([inside("one"), inside("two")])).toEqual([
    ["one", "shared"],
    ["two", "shared"],
  ]);
  expect(remote.listHandlers()).toHaveLength(1);
});

test("a context that has ended is treated as none, at once and without waiting", async () => {
  const { receiver, app } = world();
  app({ remote: { enable: true, holdMs: 60_000 } });
  const remote = await receiver([saying("shared")]);
  const ask = await frontOf(`${NOWHERE}/data`);
  const context = remote.context();
  await context.use(saying("own"));
  expect(await ask(context.headers)).toBe("own");
  await context.end();
  expect(await ask(context.headers)).toBe("shared");
  expect(await rejection(context.use(saying("late")))).toMatchObject({ code: "XW_CLOSED" });
  expect(() => context.listHandlers()).toThrow(/has ended/);
  await context.end();
});

test("resetHandlers of a context leaves the shared handlers alone", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver([saying("shared")]);
  const ask = await frontOf(`${NOWHERE}/data`);
  await using context = remote.context();
  await context.use(saying("own"));
  await context.resetHandlers();
  expect(await ask(context.headers)).toBe("shared");
});

test("a request waits for the receiver of its context", async () => {
  const { name, receiver, app } = world();
  app({ remote: { enable: true, holdMs: 60_000 } });
  await receiver([saying("shared")]);
  const late = setupRemoteServer({ name, onUnhandledRequest: "bypass" });
  onTestFinished(() => late.close());
  const context = late.context();
  const ask = await frontOf(`${NOWHERE}/data`);
  const early = ask(context.headers);
  // Those without a context do not wait, nor for the one that does.
  expect(await ask()).toBe("shared");
  await context.use(saying("own"));
  expect(await early).toBe("own");
});

test("a request whose context nobody comes for goes on when its time is up", async () => {
  const { receiver, app } = world();
  app({ remote: { enable: true, holdMs: 50 } });
  await receiver([saying("shared")]);
  const ask = await frontOf(`${NOWHERE}/data`);
  const startedAt = performance.now();
  expect(await ask({ "x-crosswire-context": "of-nobody" })).toBe("shared");
  const took = performance.now() - startedAt;
  expect(took).toBeGreaterThan(40);
  expect(took).toBeLessThan(5_000);
});

test("nobody waits twice for a context that did not come, or whose receiver is gone", async () => {
  const { receiver, app } = world();
  app({ remote: { enable: true, holdMs: 60_000 } }, [saying("own")]);
  const remote = await receiver();
  const context = remote.context();
  await context.use(saying("context"));
  const ask = await frontOf(`${NOWHERE}/data`);
  expect(await ask(context.headers)).toBe("context");
  await remote.close();
  // It would take a minute.
  expect(await ask(context.headers)).toBe("own");
});

test("a request of a new context without handlers waits for nothing", async () => {
  const { receiver, app } = world();
  app({ remote: { enable: true, holdMs: 60_000 } });
  const remote = await receiver([saying("shared")]);
  const context = remote.context();
  await remote.sync();
  expect(await (await frontOf(`${NOWHERE}/data`))(context.headers)).toBe("shared");
});

test("all that a process sends is of the context that its environment names", async () => {
  const { receiver, start } = world();
  const remote = await receiver([saying("shared")]);
  const context = remote.context();
  await context.use(saying("own"));
  const [one, other] = await Promise.all([start({ env: context.env }), start()]);
  expect((await one.send(`${NOWHERE}/data`)).text).toBe("own");
  expect((await other.send(`${NOWHERE}/data`)).text).toBe("shared");
});

test("a context goes along from one application to the next on this machine, and to its end", async () => {
  const { receiver, start } = world();
  const [first, last] = await Promise.all([start(), start()]);
  const remote = await receiver([saying("shared")]);
  const [one, other] = [remote.context(), remote.context()];
  await one.use(saying("one"));
  await other.use(saying("other"));
  const through = {
    url: last.url,
    method: "POST",
    body: JSON.stringify({ url: `${NOWHERE}/data` }),
  };
  const answers = await Promise.all(
    [one.headers, other.headers, {}].map(async (headers) => {
      const answered = await first.send(through, headers);
      return (JSON.parse(answered.text ?? "") as Got).text;
    }),
  );
  expect(answers).toEqual(["one", "other", "shared"]);
});

/** What an application in this process tells another server of the context that it works for. */
async function toldOf(
  send: (url: string) => Promise<unknown>,
  remote: Partial<RemoteOptions> = {},
): Promise<{ readonly id: string; readonly told: IncomingHttpHeaders }> {
  const { receiver, app } = world();
  let told: IncomingHttpHeaders = {};
  const origin = await openHttpOrigin((incoming, response) => {
    told = incoming.headers;
    response.end("network");
  });
  app({ remote: { enable: true, ...remote }, onUnhandledRequest: "bypass" });
  const context = (await receiver()).context();
  await context.use();
  const front = await openHttpOrigin((_, response) => {
    void send(origin.url).then(() => response.end());
  });
  await (await fetch(front.url, { headers: context.headers })).text();
  return { id: context.id, told };
}

const SENDERS: Readonly<Record<string, (url: string, headers?: Fields) => Promise<unknown>>> = {
  fetch: async (url, headers = {}) => (await fetch(url, { headers })).text(),
  undici: async (url, headers = {}) => (await undici.request(url, { headers })).body.text(),
  "node:http": (url, headers = {}) =>
    new Promise((resolve, reject) => {
      get(url, { headers }, (reply) => resolve(text(reply))).on("error", reject);
    }),
};

test.each(Object.entries(SENDERS))("it goes along as W3C baggage: %s", async (_, send) => {
  const { id, told } = await toldOf((url) => send(url));
  expect(told["baggage"]).toBe(`crosswire=${id}`);
});

test.each(Object.entries(SENDERS))("other baggage stays: %s", async (_, send) => {
  const { id, told } = await toldOf((url) => send(url, { baggage: "user=7;p=1" }));
  expect(told["baggage"]).toBe(`user=7;p=1,crosswire=${id}`);
});

test("a request that has a context already keeps it", async () => {
  const given = await toldOf((url) => fetch(url, { headers: { "x-crosswire-context": "mine" } }));
  expect(given.told).toMatchObject({ "x-crosswire-context": "mine" });
  expect(given.told).not.toHaveProperty("baggage");
  const inBaggage = await toldOf((url) => fetch(url, { headers: { baggage: "crosswire=mine" } }));
  expect(inBaggage.told["baggage"]).toBe("crosswire=mine");
});

test.each([
  [[], undefined],
  [["http://127.0.0.1:1"], undefined],
  [["https://127.0.0.1:*"], undefined],
  [["http://*.0.0.1:*"], "own"],
  [["https://api.example.test", "http://127.0.0.1:*"], "own"],
])("to %j it goes along where that is the origin, and to nobody else", async (origins, own) => {
  const { id, told } = await toldOf((url) => fetch(url), { forwardContextTo: origins });
  expect(told["baggage"]).toBe(own && `crosswire=${id}`);
});

test.each(["localhost", "http://a.test/path", "ws://a.test", "http://", "http://a b"])(
  "%j is no origin that a context could go along to",
  (origin) => {
    const server = setupServer({ remote: { enable: true, forwardContextTo: [origin] } });
    expect(() => server.listen()).toThrow(JSON.stringify(origin));
  },
);

test("no context is known where no test can attach", async () => {
  const { told } = await toldOf((url) => fetch(url), { enable: false });
  expect(told).not.toHaveProperty("baggage");
});
