// What a resolver gets and what becomes of what it returns.

import { expect, expectTypeOf, test } from "vitest";
import { http } from "../../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../../src/cpri/handlers/http-response.ts";
import { networkError } from "../../../src/cpri/handlers/network-error.ts";
import { passthrough } from "../../../src/cpri/handlers/passthrough.ts";
import type { HttpResolver } from "../../../src/cpri/handlers/resolver-context.ts";
import { asked } from "./asked.ts";

const URL_7 = "https://a.io/users/7?q=1";

test("a resolver gets the request, the parameters, the cookies and the id", async () => {
  const handler = http.post<{ id: string }, { name: string }>(
    "https://a.io/users/:id",
    async ({ request, params, cookies, requestId }) => {
      expectTypeOf(params.id).toEqualTypeOf<string>();
      const { name } = await request.json();
      expectTypeOf(name).toEqualTypeOf<string>();
      return HttpResponse.json({ id: params.id, name, cookies, requestId, url: request.url });
    },
  );
  const request = asked(URL_7, {
    method: "POST",
    id: "r1",
    headers: [["Cookie", 'a=1; b="x=%20y"; a=2; __proto__=p; c=%zz; none']],
    body: '{"name":"Ann"}',
  });
  const response = (await handler.handle(request)?.result) as Response;
  expect(await response.json()).toEqual({
    id: "7",
    name: "Ann",
    cookies: { a: "1", b: "x= y", ["__proto__"]: "p", c: "%zz" },
    requestId: "r1",
    url: URL_7,
  });
});

test("a Request is made when the resolver wants it, and not twice", () => {
  const request = asked(URL_7);
  http.get("*", () => HttpResponse.text("ok")).handle(request);
  http.get("*", ({ params }) => HttpResponse.text(String(params["0"]))).handle(request);
  expect(request.made()).toBe(0);
  http
    .get("*", (context) => {
      expect(context.request).toBe(context.request);
    })
    .handle(request);
  expect(request.made()).toBe(1);
});

test.each(["get", "head", "post", "put", "delete", "patch", "options"] as const)(
  "http.%s is for that method only, and http.all for each",
  (name) => {
    const handler = http[name]("*", () => HttpResponse.text("ok"));
    const method = name.toUpperCase();
    expect(handler.interest.method).toBe(method);
    expect(handler.handle(asked(URL_7, { method }))).toBeDefined();
    // fetch leaves the case of unusual methods as it is.
    expect(handler.handle(asked(URL_7, { method: name }))).toBeDefined();
    expect(handler.handle(asked(URL_7, { method: "PURGE" }))).toBeUndefined();
    expect(http.all("*", () => {}).handle(asked(URL_7, { method }))).toBeDefined();
  },
);

test("what a resolver returns is handed on: at once where it is there at once", async () => {
  const response = HttpResponse.text("ok");
  const result = (resolver: HttpResolver): unknown =>
    http.get("*", resolver).handle(asked(URL_7))?.result;
  expect(result(() => response)).toBe(response);
  expect(result(() => passthrough())).toEqual({ kind: "passthrough" });
  expect(result(() => networkError("ENOTFOUND", "gone"))).toEqual({
    kind: "error",
    code: "ENOTFOUND",
    message: "gone",
  });
  expect(result(() => {})).toBeUndefined();
  expect(result(() => null as unknown as undefined)).toBeUndefined();
  await expect(result(async () => response)).resolves.toBe(response);
  await expect(result(async () => {})).resolves.toBeUndefined();
});

test("a thrown Response is an answer, any other error is not", async () => {
  const response = HttpResponse.json({}, { status: 401 });
  const run = (thrown: unknown, isAsync: boolean): unknown =>
    http
      .get(
        "*",
        isAsync
          ? () => Promise.reject(thrown)
          : () => {
              throw thrown;
            },
      )
      .handle(asked(URL_7))?.result;
  expect(run(response, false)).toBe(response);
  await expect(run(response, true)).resolves.toBe(response);
  expect(() => run(new Error("broken"), false)).toThrow("broken");
  await expect(run(new Error("broken"), true)).rejects.toThrow("broken");
});

test("a handler for one request belongs to the first that comes, also while that waits", async () => {
  const { promise, resolve } = withResolvers<Response>();
  const handler = http.get("*", () => promise, { once: true });
  const first = handler.handle(asked(URL_7));
  expect(handler.handle(asked(URL_7))).toBeUndefined();
  resolve(HttpResponse.text("ok"));
  await first?.result;
  expect(handler.handle(asked(URL_7))).toBeUndefined();
  handler.reset();
  expect(handler.handle(asked(URL_7))).toBeDefined();
});

test("a request for which it returns nothing leaves it for the next one", async () => {
  let count = 0;
  const handler = http.get("*", () => (++count < 2 ? undefined : HttpResponse.text("ok")), {
    once: true,
  });
  for (const isThere of [true, true, false]) {
    expect(handler.handle(asked(URL_7)) !== undefined).toBe(isThere);
  }
  const later = http.get("*", async () => {}, { once: true });
  await later.handle(asked(URL_7))?.result;
  expect(later.handle(asked(URL_7))).toBeDefined();
});

test("what was begun before a reset does not free what was claimed after it", async () => {
  const first = withResolvers<undefined>();
  const answers = [first.promise, new Promise<undefined>(() => {})];
  const handler = http.get("*", () => answers.shift(), { once: true });
  const begun = handler.handle(asked(URL_7));
  handler.reset();
  handler.handle(asked(URL_7));
  first.resolve(undefined);
  await begun?.result;
  expect(handler.handle(asked(URL_7))).toBeUndefined();
});

test("one that throws was used", () => {
  const handler = http.get(
    "*",
    () => {
      throw new Error("broken");
    },
    { once: true },
  );
  expect(() => handler.handle(asked(URL_7))).toThrow("broken");
  expect(handler.handle(asked(URL_7))).toBeUndefined();
});

test("calls are remembered, so that a test can look at them", async () => {
  const handler = http.all("https://a.io/users/:id", async ({ request }) => {
    await request.text();
  });
  await handler.handle(asked(URL_7, { method: "POST", id: "r1", body: "sent" }))?.result;
  handler.handle(asked("https://a.io/other"));
  const [call, ...others] = handler.calls;
  expect(others).toEqual([]);
  expect(call).toMatchObject({ requestId: "r1", method: "POST", url: URL_7, params: { id: "7" } });
  expect(await call?.request.text()).toBe("sent");
  handler.clearCalls();
  expect(handler.calls).toEqual([]);
});

test("of many calls the latest thousand are remembered", () => {
  const handler = http.get("*", () => {});
  for (let i = 0; i < 1_005; i++) handler.handle(asked(URL_7, { id: String(i) }));
  expect(handler.calls).toHaveLength(1_000);
  expect(handler.calls.at(0)?.requestId).toBe("5");
  expect(handler.calls.at(-1)?.requestId).toBe("1004");
});

test("what is no resolver or no pattern is refused where it is written", () => {
  const resolver = (): undefined => undefined;
  const missing = undefined as unknown as typeof resolver;
  expect(() => http.get("/x", missing)).toThrow(
    new TypeError(
      "http.get(/x, …) needs a function that returns a Response, such as () => HttpResponse.json({ … }); it got undefined.",
    ),
  );
  expect(() => http.get("x", resolver)).toThrow(TypeError);
  expect(() => http.get(undefined as unknown as string, resolver)).toThrow(TypeError);
});

/** Node 20 has none of its own. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
