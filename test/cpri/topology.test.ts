// Several tests and several applications at once: who is asked, in which order, and who never meets.

import { expect, onTestFinished, test } from "vitest";
import type { HandlerInput } from "../../src/cpri/handler.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { delay } from "../../src/cpri/handlers/delay.ts";
import { IPCServer } from "../../src/ipc/server.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { attached, NOWHERE, pair, textAt, world } from "./world.ts";

function saying(word: string): HandlerInput {
  return http.get("*", () => HttpResponse.text(word));
}

test("first the owner of the context is asked, then the youngest receiver, the own handlers, and the network", async () => {
  const asked: string[] = [];
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const noting = (word: string): HandlerInput => http.get(origin.url, () => void asked.push(word));
  // On behalf of the one that came in.
  const front = await openHttpOrigin((_, response) => {
    void fetch(origin.url).then(async (reply) => response.end(await reply.text()));
  });
  const { receiver, app } = world();
  app({}, [noting("own")]);
  const oldest = await receiver([noting("oldest")]);
  await receiver([noting("second")]);
  await receiver([noting("youngest")]);
  const context = oldest.context();
  await context.use(noting("context"));
  expect(await (await fetch(front.url, { headers: context.headers })).text()).toBe("network");
  expect(asked.splice(0)).toEqual(["context", "oldest", "youngest", "second", "own"]);
  await (await fetch(front.url)).text();
  expect(asked).toEqual(["youngest", "second", "oldest", "own"]);
});

test("own handlers are the fall-back of an application, and come back when a test takes its own away", async () => {
  const { receiver, app } = world();
  app({}, [saying("own")]);
  expect(await textAt("/")).toBe("own");
  const remote = await receiver();
  expect(await textAt("/")).toBe("own");
  await remote.use(saying("remote"));
  expect(await textAt("/")).toBe("remote");
  await remote.resetHandlers();
  expect(await textAt("/")).toBe("own");
  await remote.use(saying("remote"));
  await remote.close();
  expect(await textAt("/")).toBe("own");
});

test("the youngest receiver wins, and the older one when it is gone", async () => {
  const { receiver, app } = world();
  app();
  await receiver([saying("older")]);
  const younger = await receiver([saying("younger")]);
  expect(await textAt("/")).toBe("younger");
  await younger.close();
  expect(await textAt("/")).toBe("older");
});

test("use() is done when each of several applications knows", async () => {
  const { receiver, start } = world();
  // One of them is both preloaded and has a server in its code: that is one sender.
  const apps = await Promise.all([start(), start({ script: "seed-app" })]);
  const remote = await receiver();
  expect(new Set(remote.senders().map(({ pid }) => pid))).toEqual(
    new Set(apps.map(({ child }) => child.process.pid)),
  );
  expect(remote.senders()).toHaveLength(2);
  await remote.use(saying("answered"));
  const texts = await Promise.all(apps.map(async (app) => (await app.send(NOWHERE)).text));
  expect(texts).toEqual(["answered", "answered"]);
});

test("two names never meet", async () => {
  const [one, other] = [world(), world()];
  one.app();
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const stranger = await other.receiver([saying("stranger")]);
  const remote = await one.receiver([http.get("*/mine", () => HttpResponse.text("mine"))]);
  expect(await (await fetch(`${origin.url}/a`)).text()).toBe("network");
  expect(await (await fetch(`${origin.url}/mine`)).text()).toBe("mine");
  expect([stranger.senders().length, remote.senders().length]).toEqual([0, 1]);
});

test("an application that is given an address is attached to that receiver, and to no other", async () => {
  const { receiver, start } = world();
  const [given, other] = await Promise.all([
    receiver([saying("given")]),
    receiver([saying("other")]),
  ]);
  const app = await start({ env: { ...given.env } });
  expect((await app.send(NOWHERE)).text).toBe("given");
  expect([given.senders().length, other.senders().length]).toEqual([1, 0]);
});

test("an address of another server of ours is no receiver, so the name counts", async () => {
  const server = new IPCServer(0);
  await server.start();
  onTestFinished(() => server.close());
  const { receiver, start } = world();
  const remote = await receiver([saying("by name")]);
  const app = await start({ env: { ...server.env } });
  expect((await app.send(NOWHERE)).text).toBe("by name");
  await attached(remote, 1);
});

test("the receiver that an address names may come later", async () => {
  const { receiver, start } = world();
  const first = await receiver();
  const { env } = first;
  const port = Number(new URL(env.CROSSWIRE_URL).port);
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  await first.close();
  const app = await start({ env: { ...env } });
  expect((await app.send(origin.url)).text).toBe("network");
  const options = { port, token: env.CROSSWIRE_TOKEN };
  const second = await receiver([http.get("*", () => HttpResponse.text("later"))], options);
  await attached(second, 1);
  expect((await app.send(origin.url)).text).toBe("later");
});

test("many receivers in one process are no reason for a warning", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const { receiver, app } = world();
  app();
  const receivers = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      receiver([http.get(`*/${i}`, () => HttpResponse.text(`${i}`))]),
    ),
  );
  for (const one of receivers) await attached(one, 1);
  expect(await textAt("/3")).toBe("3");
  expect(warnings).toEqual([]);
});

test("requests of one application are decided side by side", async () => {
  await pair([
    http.get("*/:ms", async ({ params }) => {
      await delay(Number(params["ms"]));
      return HttpResponse.text(String(params["ms"]));
    }),
  ]);
  const order: string[] = [];
  const ask = async (ms: number): Promise<void> => void order.push(await textAt(`/${ms}`));
  await Promise.all([ask(60), ask(1)]);
  expect(order).toEqual(["1", "60"]);
});
