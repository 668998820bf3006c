// What the handler of an intercept is told by its path and its options. Read by tsc, never run.

import type { IPCServer } from "crosswire";
import { expectTypeOf, test } from "vitest";

declare const server: IPCServer;

test("the names of the parameters are read out of the path", () => {
  server.interceptHttp("GET", "/", (_body, params) =>
    expectTypeOf<keyof typeof params>().toEqualTypeOf<never>(),
  );
  server.interceptHttp("GET", "/users/:id", (_body, params) => {
    expectTypeOf(params).toEqualTypeOf<{ id: string }>();
    // @ts-expect-error there is no such parameter
    return params.name;
  });
  server.interceptHttp("GET", "/:a/x/:b", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ a: string; b: string }>(),
  );
  server.interceptHttp("GET", "/posts/:id?", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ id?: string }>(),
  );
  server.interceptHttp("GET", "/files/:disk/*", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ disk: string; "*": string }>(),
  );
  server.interceptHttp("GET", "*", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ "*": string }>(),
  );
});

test("regular expressions and several parameters in a segment are understood", () => {
  server.interceptHttp("GET", "/:lat-:long", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ lat: string; long: string }>(),
  );
  server.interceptHttp("GET", "/:file.:ext/raw", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ file: string; ext: string }>(),
  );
  server.interceptHttp("GET", "/at/:hour(^\\d{2})h:minute(^\\d{2})m", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ hour: string; minute: string }>(),
  );
  server.interceptHttp("GET", "/:id((?:a|\\)b)*)/:rest", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ id: string; rest: string }>(),
  );
  server.interceptHttp("GET", "/ns::name/:id", (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<{ id: string }>(),
  );
});

test("a path that is not written out may have any parameters", () => {
  const path: string = "/users/:id";
  server.interceptHttp("GET", path, (_body, params) =>
    expectTypeOf(params).toEqualTypeOf<Record<string, string>>(),
  );
});

test("the body is unknown, unless the handler says what it expects", () => {
  server.interceptHttp("POST", "/orders", (body) => expectTypeOf(body).toEqualTypeOf<unknown>());
  server.interceptHttp("POST", "/orders/:id", (body: { cents: number }, params) => {
    expectTypeOf(params).toEqualTypeOf<{ id: string }>();
    return body.cents;
  });
});

test("a streamed body is a stream", () => {
  const options = { body: "stream" } as const;
  server.interceptHttp(
    "POST",
    "/up/:id",
    (body, params) => {
      expectTypeOf(body).toEqualTypeOf<ReadableStream<Uint8Array>>();
      expectTypeOf(params).toEqualTypeOf<{ id: string }>();
    },
    options,
  );
  // @ts-expect-error a stream is not an order
  server.interceptHttp("POST", "/up", (body: { cents: number }) => body.cents, options);
});

test("an intercept is undone by what it returned, or by its method and path", () => {
  expectTypeOf(server.interceptHttp("GET", "/", () => 1)).toEqualTypeOf<() => void>();
  expectTypeOf(server.removeInterceptHttp("GET", "/")).toEqualTypeOf<boolean>();
});

test("headers are what fetch takes", () => {
  server.interceptHttp("GET", "/", (_body, _params, headers, request) => {
    expectTypeOf(headers["host"]).toEqualTypeOf<string | undefined>();
    return fetch("http://localhost", { headers, signal: request.signal });
  });
});
