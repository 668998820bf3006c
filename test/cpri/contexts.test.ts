// Handlers for the requests of one test only, while all tests share one application.

import { expect, onTestFinished, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import type { HandlerInput } from "../../src/cpri/handler.ts";
import type { RemoteContext } from "../../src/cpri/receiver/context.ts";
import { setupRemoteServer } from "../../src/cpri/setup.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { rejection } from "../fixtures/wait.ts";
import { NOWHERE, world } from "./world.ts";

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

test("a context is left behind where the application sends to others", async () => {
  const { receiver, app } = world();
  app();
  const seen: (string | string[] | undefined)[] = [];
  const origin = await openHttpOrigin((incoming, response) => {
    seen.push(incoming.headers["x-crosswire-context"], incoming.headers["baggage"]);
    response.end("network");
  });
  const remote = await receiver();
  const context = remote.context();
  await context.use(saying("own"));
  const ask = await frontOf(`${origin.url}/elsewhere`);
  expect(await ask(context.headers)).toBe("network");
  expect(seen).toEqual([undefined, undefined]);
});
