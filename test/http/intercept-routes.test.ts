// Routes with schemas: what does not match reaches no handler, and what a handler returns wrongly no client.

import { expect, test } from "vitest";
import * as v from "valibot";
import * as z from "zod";
import { defineRoute } from "../../src/http/intercept/route.ts";
import { ask, postJson } from "../public/intercept-ask.ts";
import { openServer } from "../public/pair.ts";

const createOrder = defineRoute("POST", "/users/:id/orders", {
  params: z.object({ id: z.coerce.number().int() }),
  body: z.object({ cents: z.number(), at: z.string().transform((text) => new Date(text)) }),
  response: z.object({ id: z.number(), note: z.string().default("none") }),
});

const good = postJson({ cents: 5, at: "2026-01-01" });

test("the handler gets what the schemas made of parameters and body", async () => {
  const server = await openServer();
  const seen: unknown[] = [];
  server.interceptHttp(createOrder, ({ cents, at }, { id }) => {
    seen.push(id, cents, at);
    return { id: cents };
  });
  const { status, json } = await ask(server, "/users/7/orders", good);
  expect({ status, json }).toEqual({ status: 200, json: { id: 5, note: "none" } });
  expect(seen).toEqual([7, 5, new Date("2026-01-01")]);
});

test.each([
  {
    what: "parameters",
    path: "/users/me/orders",
    asked: good,
    error: /^The path parameters of POST "\/users\/:id\/orders" do(?:es)? not match/,
    issue: { path: "id" },
  },
  {
    what: "a body",
    path: "/users/7/orders",
    asked: postJson({ cents: "5", at: "2026-01-01" }),
    error: /^The body of POST "\/users\/:id\/orders" does not match its schema: cents: /,
    issue: { path: "cents" },
  },
  {
    what: "no body",
    path: "/users/7/orders",
    asked: { method: "POST" },
    error: /^The body of/,
    issue: { path: "" },
  },
])(
  "a request with $what that the schema refuses is a 400 with the issues",
  async ({ path, asked, error, issue }) => {
    const server = await openServer();
    let ran = 0;
    server.interceptHttp(createOrder, () => ({ id: ++ran }));
    const { status, json } = await ask(server, path, asked);
    expect(status).toBe(400);
    expect(json).toEqual({
      error: expect.stringMatching(error) as string,
      code: "XW_INVALID",
      issues: [{ message: expect.any(String) as string, ...issue }],
    });
    expect(ran).toBe(0);
  },
);

test("an answer that its schema refuses is a 500 with the issues", async () => {
  const server = await openServer();
  server.interceptHttp(createOrder, () => ({ id: "five" }) as never);
  const { status, json } = await ask(server, "/users/7/orders", good);
  expect(status).toBe(500);
  expect(json).toMatchObject({ code: "XW_INVALID", issues: [{ path: "id" }] });
});

test("a Response passes by the schema", async () => {
  const server = await openServer();
  server.interceptHttp(createOrder, () => Response.json({ sold: "out" }, { status: 409 }));
  const { status, json } = await ask(server, "/users/7/orders", good);
  expect({ status, json }).toEqual({ status: 409, json: { sold: "out" } });
});

test("XW_INVALID that a handler throws by itself is its own failure", async () => {
  const server = await openServer();
  server.interceptHttp(defineRoute("GET", "/", { response: z.string() }), () => {
    throw new Error("own");
  });
  expect(await ask(server, "/")).toMatchObject({ status: 500, json: { error: "own" } });
});

test("asynchronous schemas and those of other makers fit", async () => {
  const server = await openServer();
  const isKnown = async (id: string): Promise<boolean> => id === "7";
  const zod = defineRoute("GET", "/zod/:id", {
    params: z.object({ id: z.string().refine(isKnown) }),
  });
  server.interceptHttp(zod, (_body, { id }) => id);
  const valibot = defineRoute("POST", "/valibot", {
    body: v.pipe(v.string(), v.transform(Number)),
  });
  server.interceptHttp(valibot, (body) => body + 1);
  expect(await ask(server, "/zod/7")).toMatchObject({ status: 200, json: "7" });
  expect(await ask(server, "/zod/8")).toMatchObject({ status: 400 });
  expect(await ask(server, "/valibot", postJson("41"))).toMatchObject({ status: 200, json: 42 });
});

test("a route without schemas is a method and a path with names", async () => {
  const server = await openServer();
  const route = defineRoute("GET", "/:a/:b");
  const undo = server.interceptHttp(route, (_body, { a, b }) => [a, b]);
  expect((await ask(server, "/1/2")).json).toEqual(["1", "2"]);
  undo();
  expect((await ask(server, "/1/2")).status).toBe(404);
});

test("a route can be removed by itself", async () => {
  const server = await openServer();
  server.interceptHttp(createOrder, () => ({ id: 1 }));
  expect(server.removeInterceptHttp(createOrder)).toBe(true);
  expect(server.removeInterceptHttp(createOrder)).toBe(false);
  expect((await ask(server, "/users/7/orders", good)).status).toBe(404);
});

test("what is wrong with a route is said where it is defined", () => {
  expect(() => defineRoute("get", "/")).toThrow("The method get cannot be intercepted: write GET");
  expect(() => defineRoute("GET", "users")).toThrow(TypeError);
  const noSchema = (): unknown => defineRoute("GET", "/", { body: {} as never });
  expect(noSchema).toThrow('The route of "/" has a body that is not a Standard Schema');
});
