// Why nothing matched: the nearest handlers first, each with what is different.

import { expect, test } from "vitest";
import { http } from "../../../src/cpri/handlers/http-handlers.ts";
import { explainMiss } from "../../../src/cpri/handlers/near-miss.ts";
import type { Pattern } from "../../../src/cpri/handlers/path-pattern.ts";
import { toHandler } from "../../../src/cpri/handlers/to-handler.ts";
import { asked } from "./asked.ts";

const none = (): undefined => undefined;
const request = asked("https://api.example.com/users/7?token=secret");

test.each<[pattern: Pattern, because: string]>([
  ["https://api.example.com/user/:id", 'the path has "users" where the handler has "user"'],
  ["https://api.example.com/Users/:id", 'the path has "users" where the handler has "Users"'],
  ["https://api.example.com/users", 'the path has "7" where the handler has nothing'],
  ["https://api.example.com/users/:id/x", 'the path has nothing where the handler has "x"'],
  ["https://example.com/users/:id", "the host differs"],
  ["https://*.example.org/users/:id", "the host differs"],
  ["http://api.example.com/users/:id", "the scheme differs"],
  ["https://api.example.com:8080/users/:id", "the port differs"],
  ["http://b.io/a", "the host differs, and the path has"],
  ["/user/:id?", 'the path has "users" where the handler has "user"'],
  ["*/users/8", 'the path has "7" where the handler has "8"'],
  [/nothing/, "the regular expression does not match"],
  ["https://api.example.com/users/:id", "it returned nothing"],
])("%s: %s", (pattern, because) => {
  expect(http.get(pattern, none).distance(request).because).toContain(because);
});

test("the method, and that it was used, are reasons too", () => {
  const handler = http.post("*", () => new Response(), { once: true });
  expect(handler.distance(request).because).toBe("the method differs");
  handler.handle(asked("https://a.io", { method: "POST" }));
  expect(handler.distance(request).because).toBe(
    "the method differs, and it was to be used once, and was used already",
  );
});

test("the three nearest are told, without the query, which may have secrets in it", () => {
  const handlers = [
    http.get("https://other.io/x/y/z", none),
    http.get("https://api.example.com/user/:id", none),
    http.post("https://api.example.com/user/:id", none),
    http.get("https://api.example.com/users/:id/posts", none),
    http.put("https://other.io/users/:id", none),
  ];
  expect(explainMiss(request, handlers)).toBe(
    "No handler matched GET https://api.example.com/users/7; closest: " +
      'GET https://api.example.com/user/:id, because the path has "users" where the handler has "user"; ' +
      'POST https://api.example.com/user/:id, because the method differs, and the path has "users" where the handler has "user"; ' +
      'GET https://api.example.com/users/:id/posts, because the path has nothing where the handler has "posts".',
  );
});

test("where there are no handlers there is nothing near, and a function returned nothing", () => {
  expect(explainMiss(request, [])).toBe(
    "No handler matched GET https://api.example.com/users/7; there are none.",
  );
  expect(explainMiss(request, [toHandler(async function app() {})])).toContain(
    "the function app, because it returned nothing",
  );
});

test("a long URL is cut", () => {
  const long = asked(`https://a.io/${"x".repeat(5_000)}`);
  expect(explainMiss(long, []).length).toBeLessThan(300);
});
