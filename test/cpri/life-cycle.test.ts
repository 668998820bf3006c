// What a test gets to know of the requests of an application: events in order, waiting, warnings, calls.

import { once } from "node:events";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import type { LifeCycleName, ResponseEvent } from "../../src/cpri/receiver/life-cycle.ts";
import type { RemoteServer } from "../../src/cpri/receiver/remote-server.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, nextWarning, rejection, until, within } from "../fixtures/wait.ts";
import { failureOf, NOWHERE, pair, textAt, world } from "./world.ts";

const NAMES = [
  "request:start",
  "request:match",
  "request:unhandled",
  "request:end",
  "response:mocked",
  "response:bypass",
  "unhandledException",
] as const satisfies LifeCycleName[];

interface Told {
  /** Of one request, in order. */
  of(path: string): string[];
  readonly ids: Set<string>;
}

async function listen(remote: RemoteServer): Promise<Told> {
  const all: (readonly [name: string, path: string])[] = [];
  const ids = new Set<string>();
  for (const name of NAMES) {
    remote.events.on(name, ({ requestId, request, pid }) => {
      expect(pid).toBe(process.pid);
      ids.add(requestId);
      all.push([name, new URL(request.url).pathname]);
    });
  }
  await remote.sync();
  const of = (path: string): string[] => all.filter((one) => one[1] === path).map(([name]) => name);
  return { of, ids };
}

test("events come in order, and each request has one id", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  const { remote } = await pair([
    http.get("*/handled", () => HttpResponse.text("answered")),
    http.get("*/throws", () => {
      throw new Error("of the handler");
    }),
  ]);
  const { of, ids } = await listen(remote);
  await fetch(`${NOWHERE}/handled`);
  await until(() => of("/handled").length === 4);
  expect(of("/handled")).toEqual([
    "request:start",
    "request:match",
    "request:end",
    "response:mocked",
  ]);
  await fetch(`${NOWHERE}/throws`);
  expect(of("/throws")).toEqual(["request:start", "unhandledException", "request:end"]);
  await fetch(`${origin.url}/unwanted`);
  await until(() => of("/unwanted").length >= 3);
  expect(of("/unwanted").slice(0, 3)).toEqual([
    "request:start",
    "request:unhandled",
    "request:end",
  ]);
  expect(ids.size).toBe(3);
});

test("events of many requests at once are those of each, in order", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))]);
  const { of } = await listen(remote);
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`);
  await Promise.all(paths.map((path) => textAt(path)));
  await until(() => paths.every((path) => of(path).length === 4));
  for (const path of paths) {
    expect(of(path)).toEqual(["request:start", "request:match", "request:end", "response:mocked"]);
  }
});

test("a request that own handlers answer is seen as well", async () => {
  const { receiver, app } = world();
  app({}, [http.get("*/own", () => HttpResponse.text("own"))]);
  const remote = await receiver();
  const { of } = await listen(remote);
  expect(await textAt("/own")).toBe("own");
  await until(() => of("/own").length === 4);
  expect(of("/own")).toEqual(["request:start", "request:match", "request:end", "response:mocked"]);
});

test("a request whose client gave up ends once, and is not called unhandled", async () => {
  const asked = deferred();
  const goOn = deferred();
  const { remote } = await pair([
    http.get("*/slow", async () => {
      asked.resolve();
      await goOn.promise;
      return HttpResponse.text("too late");
    }),
    http.get("*/next", () => HttpResponse.text("next")),
  ]);
  const { of } = await listen(remote);
  const gone = new AbortController();
  const reply = fetch(`${NOWHERE}/slow`, { signal: gone.signal });
  await within(asked.promise, "the question");
  gone.abort();
  await failureOf(reply);
  await until(() => of("/slow").length === 2, "the end");
  goOn.resolve();
  await textAt("/next");
  await until(() => of("/next").length === 4);
  expect(of("/slow")).toEqual(["request:start", "request:end"]);
});

test("events show what was sent, and what came back", async () => {
  const { remote } = await pair([
    http.post("*/orders", async ({ request }) => {
      const order = (await request.json()) as object;
      return HttpResponse.json({ ...order, id: 7 }, { status: 201 });
    }),
  ]);
  const seen = deferred<unknown>();
  remote.events.on("response:mocked", async ({ request, response, ms, requestId }) => {
    const texts = [await request.json(), await response.json()];
    seen.resolve([request.method, response.status, ...texts, ms >= 0, typeof requestId]);
  });
  await remote.sync();
  await fetch(`${NOWHERE}/orders`, { method: "POST", body: '{"item":1}' });
  expect(await within(seen.promise, "the event")).toEqual([
    "POST",
    201,
    { item: 1 },
    { item: 1, id: 7 },
    true,
    "string",
  ]);
});

test.each(["fetch", "http"])(
  "what the network answers to %s is shown to who listens",
  async (client) => {
    const { receiver, app } = world();
    app();
    const remote = await receiver();
    const origin = await openHttpOrigin((request, response) => {
      response.setHeader("content-encoding", "gzip");
      void request.toArray().then((pieces) => response.end(gzipSync(`real ${pieces.join("")}`)));
    });
    const seen = new Promise<ResponseEvent>((resolve) =>
      remote.events.on("response:bypass", resolve),
    );
    await remote.sync();
    if (client === "fetch") {
      const reply = await fetch(origin.url, { method: "POST", body: "data" });
      expect(await reply.text()).toBe("real data");
    } else {
      const sent = httpRequest(origin.url, { method: "POST" }).end("data");
      const [reply] = (await once(sent, "response")) as [IncomingMessage];
      expect(gunzipSync(await buffer(reply)).toString()).toBe("real data");
    }
    const { response, request } = await seen;
    expect([request.method, response.status, await response.text()]).toEqual([
      "POST",
      200,
      "real data",
    ]);
  },
);

test("listeners can be removed, be used once, and never disturb a request", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))]);
  const heard: string[] = [];
  const undo = remote.events.on("request:start", () => heard.push("undone"));
  const removed = (): void => void heard.push("removed");
  remote.events.on("request:start", removed);
  remote.events.once("request:start", () => heard.push("once"));
  remote.events.on("request:start", () => {
    throw new Error("of the listener");
  });
  undo();
  remote.events.removeListener("request:start", removed);
  await remote.sync();
  const warning = nextWarning();
  expect(await textAt("/a")).toBe("answered");
  expect((await warning).message).toContain("of the listener");
  remote.events.removeAllListeners();
  expect(await textAt("/b")).toBe("answered");
  expect(heard).toEqual(["once"]);
  expect(() => remote.events.on("request:ended" as LifeCycleName, () => {})).toThrow(TypeError);
});

test("waitForRequest gives the request, whoever answers it, with its body", async () => {
  const { receiver, app } = world();
  app({}, [http.post("*/orders/:id", () => HttpResponse.text("own"))]);
  const remote = await receiver([http.post("*/orders/2", () => HttpResponse.text("remote"))]);
  const own = remote.waitForRequest(`POST ${NOWHERE}/orders/1`);
  const other = remote.waitForRequest(/orders\/2/g);
  const third = remote.waitForRequest(({ url }) => url.endsWith("/3"));
  await remote.sync();
  for (const id of [1, 2, 3]) {
    const body = JSON.stringify({ id });
    expect(await textAt(`/orders/${id}`, { method: "POST", body })).toBe(
      id === 2 ? "remote" : "own",
    );
  }
  const requests = await Promise.all([own, other, third]);
  expect(await Promise.all(requests.map((request) => request.json()))).toEqual([
    { id: 1 },
    { id: 2 },
    { id: 3 },
  ]);
});

test("waitForRequest says what it waited for in vain", async () => {
  const { remote } = await pair();
  const failed = await rejection(remote.waitForRequest("GET */never", { timeoutMs: 10 }));
  expect(failed).toMatchObject({
    code: "XW_TIMEOUT",
    message: expect.stringContaining("GET */never came within 10 ms"),
  });
});

test("what a predicate of waitForRequest throws is for who waits, and not for the application", async () => {
  const { remote } = await pair([http.get("*", () => HttpResponse.text("answered"))]);
  const failed = rejection(
    remote.waitForRequest(() => {
      throw new RangeError("of the predicate");
    }),
  );
  await remote.sync();
  expect(await textAt("/")).toBe("answered");
  expect(await failed).toBeInstanceOf(RangeError);
  await remote.idle();
});

test("idle() waits for what is being answered, in a boundary only for its own", async () => {
  const { receiver, app } = world();
  app();
  const goOn = deferred();
  const asked = deferred();
  const remote = await receiver([
    http.get("*/slow", async () => {
      asked.resolve();
      await goOn.promise;
      return HttpResponse.text("slow");
    }),
  ]);
  await remote.idle();
  const slow = textAt("/slow");
  await within(asked.promise, "the question");
  await remote.boundary(() => remote.idle());
  let isIdle = false;
  const idle = remote.idle().then(() => (isIdle = true));
  expect(isIdle).toBe(false);
  goOn.resolve();
  await idle;
  expect(await slow).toBe("slow");
});

test("a handler records its calls", async () => {
  const handler = http.get("*/users/:id", () => HttpResponse.text("user"));
  await pair([handler]);
  await textAt("/users/7?full=1");
  await textAt("/users/8");
  expect(handler.calls.map(({ url, params }) => [url, params["id"]])).toEqual([
    [`${NOWHERE}/users/7?full=1`, "7"],
    [`${NOWHERE}/users/8`, "8"],
  ]);
});
