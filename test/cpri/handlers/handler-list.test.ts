// In which order handlers are asked, what ends the search, and what becomes of them between tests.

import { Hono } from "hono";
import { expect, test } from "vitest";
import type { HandlerInput } from "../../../src/cpri/handler.ts";
import { HandlerList } from "../../../src/cpri/handlers/handler-list.ts";
import { http } from "../../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../../src/cpri/handlers/http-response.ts";
import type { RouteHandler } from "../../../src/cpri/handlers/route-handler.ts";
import { Interest } from "../../../src/cpri/interest.ts";
import { asked } from "./asked.ts";

const says = (text: string, options = {}): RouteHandler =>
  http.get("https://a.io/x", () => HttpResponse.text(text), options);

async function said(list: HandlerList, url = "https://a.io/x"): Promise<string | undefined> {
  const resolved = await list.resolve(asked(url));
  if (resolved === undefined) return undefined;
  if ("error" in resolved) throw resolved.error;
  return (resolved.result as Response).text();
}

test("what was added last comes first, and in the order in which it was given", async () => {
  const list = new HandlerList([says("initial")]);
  expect(await said(list)).toBe("initial");
  list.use(says("first"), says("second"));
  expect(await said(list)).toBe("first");
  list.use(says("third"));
  expect(await said(list)).toBe("third");
  expect(list.list()).toHaveLength(4);
});

test("who returns nothing lets the next one answer", async () => {
  const seen: string[] = [];
  const silent = (name: string, result: unknown): HandlerInput =>
    http.all("*", () => {
      seen.push(name);
      return result as undefined;
    });
  const list = new HandlerList([
    silent("sync", undefined),
    silent("async", Promise.resolve()),
    silent("null", null),
    silent("unhandled", { kind: "unhandled" }),
    http.post("*", () => HttpResponse.text("no")),
    says("yes"),
    silent("late", undefined),
  ]);
  expect(await said(list)).toBe("yes");
  expect(seen).toEqual(["sync", "async", "null", "unhandled"]);
  expect(await said(new HandlerList([silent("x", undefined)]))).toBeUndefined();
});

test("what is thrown is told with the handler that threw it, and nobody else is asked", async () => {
  for (const resolver of [
    () => {
      throw new Error("broken");
    },
    () => Promise.reject(new Error("broken")),
  ]) {
    const handler = http.get("*", resolver);
    const resolved = await new HandlerList([handler, says("no")]).resolve(asked("https://a.io/x"));
    expect(resolved).toMatchObject({ handler, error: new Error("broken") });
  }
});

test("a reset drops what was added, or replaces all, and makes all usable again", async () => {
  const initial = says("once", { once: true });
  const list = new HandlerList([initial, says("always")]);
  expect([await said(list), await said(list)]).toEqual(["once", "always"]);
  const added = says("added", { once: true });
  list.use(added);
  expect(await said(list)).toBe("added");
  list.resetHandlers();
  expect([await said(list), await said(list)]).toEqual(["once", "always"]);
  list.resetHandlers(says("next"));
  expect(await said(list)).toBe("next");
  list.resetHandlers(added);
  expect(await said(list)).toBe("added");
  list.resetHandlers();
  expect(await said(list)).toBe("once");
  list.restoreHandlers();
  expect(await said(list)).toBe("once");
});

test("a search that waits goes on among the handlers that there were", async () => {
  const list = new HandlerList([says("before")]);
  list.use(
    http.get("*", async () => {
      list.resetHandlers(says("after"));
    }),
  );
  expect(await said(list)).toBe("before");
  expect(await said(list)).toBe("after");
});

test("any function from a Request to a Response is a handler", async () => {
  const app = new Hono().get("/x", (context) => context.text("from an app"));
  const list = new HandlerList([
    (request, { requestId }) =>
      request.url.endsWith("/id") ? HttpResponse.text(requestId) : undefined,
    app.fetch,
  ]);
  expect(await said(list, "https://a.io/id")).toBe("1");
  expect(await said(list)).toBe("from an app");
});

test.each([
  [[says("x")], "An array (spread it: use(...handlers)) is no handler"],
  [undefined, "undefined is no handler"],
  ["text", "text is no handler"],
  [{ kind: "http" }, "An object is no handler. Handlers are made by http.get("],
  [
    { info: {}, run: () => {} },
    "A handler of msw (take setupRemoteServer and setupServer from crosswire/msw)",
  ],
])("%j is refused, and told what handlers look like", (input, text) => {
  const list = new HandlerList();
  const wrong = input as unknown as HandlerInput;
  const attempts = [() => list.use(wrong), () => list.resetHandlers(wrong)];
  for (const attempt of [...attempts, () => new HandlerList([wrong])]) {
    expect(attempt).toThrow(TypeError);
    expect(attempt).toThrow(text);
  }
  expect(list.list()).toEqual([]);
});

test("interests are told once, and none that another one has in it", () => {
  const none = (): undefined => undefined;
  const socket = {
    kind: "websocket",
    label: "a socket",
    interest: new Interest("GET", "ws://a.io/*"),
    open: none,
  } as const;
  const list = new HandlerList([
    http.get("https://a.io/users/:id", none),
    http.get("https://a.io/users/:name", none),
    http.post("https://a.io/users", none),
    http.post("/any-origin", none),
    http.post("*", none),
    socket,
  ]);
  expect(list.interests()).toEqual({
    http: [new Interest("GET", "https://a.io/users/*"), new Interest("POST", "*")],
    websocket: [socket.interest],
  });
  expect(list.webSockets()).toEqual([socket]);
  list.use(none);
  expect(list.interests().http).toEqual([new Interest("*", "*")]);
});

test("of a hundred handlers those that do not match make no Request", async () => {
  const others = Array.from({ length: 99 }, (_, i) => http.get(`https://a.io/r${i}/:id`, () => {}));
  const request = asked("https://a.io/x");
  await new HandlerList([...others, says("last")]).resolve(request);
  expect(request.made()).toBe(0);
  for (const other of others) expect(other.calls).toEqual([]);
});
