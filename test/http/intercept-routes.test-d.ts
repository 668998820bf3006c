// What is inferred from the schemas of a route. Read by tsc, never run.

import type { IPCServer } from "crosswire";
import { expectTypeOf, test } from "vitest";
import * as v from "valibot";
import * as z from "zod";
import { defineRoute } from "../../src/http/intercept/route.ts";

declare const server: IPCServer;

test("the handler gets what the schemas make of parameters and body, and returns what theirs takes", () => {
  const route = defineRoute("POST", "/users/:id", {
    params: z.object({ id: z.coerce.number() }),
    body: z.object({ at: z.string().transform((text) => new Date(text)) }),
    response: z.object({ n: z.number().transform(String) }),
  });
  server.interceptHttp(route, (body, params) => {
    expectTypeOf(body).toEqualTypeOf<{ at: Date }>();
    expectTypeOf(params).toEqualTypeOf<{ id: number }>();
    return { n: 1 };
  });
  server.interceptHttp(route, async () => new Response("anything"));
  // @ts-expect-error the schema takes a number
  server.interceptHttp(route, () => ({ n: "1" }));
});

test("without schemas the parameters are those of the path, and the rest is unknown", () => {
  const route = defineRoute("GET", "/a/:b/:c?");
  server.interceptHttp(route, (body, params) => {
    expectTypeOf(body).toEqualTypeOf<unknown>();
    expectTypeOf(params).toEqualTypeOf<{ b: string; c?: string }>();
    return 1n;
  });
});

test("each schema counts for itself", () => {
  const route = defineRoute("POST", "/a/:b", { body: v.pipe(v.string(), v.transform(Number)) });
  server.interceptHttp(route, (body, params) => {
    expectTypeOf(body).toEqualTypeOf<number>();
    expectTypeOf(params).toEqualTypeOf<{ b: string }>();
  });
  server.removeInterceptHttp(route);
});
