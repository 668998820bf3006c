// Whether a request could be wanted is told from how its URL begins, however the application writes it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type Interest, mayMatch } from "../../../src/cpri/interest.ts";
import { SEED } from "../../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const users: Interest = { method: "GET", prefix: "http://a.io/users" };

test.each([
  ["GET", "http://a.io/users", true],
  ["GET", "http://a.io/users/7?q=1", true],
  ["get", "http://a.io/users", true],
  ["POST", "http://a.io/users", false],
  ["GET", "http://a.io/user", false],
  ["GET", "https://a.io/users", false],
  // As nobody writes it, but as it is meant.
  ["GET", "http://A.io:80/users", true],
  ["GET", "http://a.io:0080/users", true],
  ["GET", "http://me:word@a.io/users", true],
  ["GET", "http://a.io/x/../users", true],
  ["GET", "http://a.io/x/%2e%2E/users", true],
  ["GET", "http:\\\\a.io\\users", true],
  ["GET", "http://a.io/us\ners", true],
  ["GET", "http://a.io:81/users", false],
  ["GET", "no URL", false],
])("%s %j: %s", (method, url, isWanted) => {
  expect(mayMatch([{ method: "PUT", prefix: "" }, users], method, url)).toBe(isWanted);
});

test("a number that is an address is known as one", () => {
  const local: Interest = { method: "*", prefix: "http://127.0.0.1/x" };
  for (const host of ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1."]) {
    const isWanted = mayMatch([local], "GET", `http://${host}/x`);
    expect({ host, isWanted }).toEqual({ host, isWanted: true });
  }
});

test("nothing is wanted where there are no handlers, and all of it by one that knows nothing of URLs", () => {
  expect(mayMatch([], "GET", "http://a.io/")).toBe(false);
  expect(mayMatch([{ method: "*", prefix: "" }], "GET", "http://a.io/")).toBe(true);
});

test("each beginning of what URL makes of it is enough", () => {
  const hosts = fc.constantFrom(
    "a.io",
    "127.1",
    "a.io:443",
    "a.io:80",
    "u@a.io",
    "1.a",
    "a.0x1",
    "xn--a",
  );
  const urls = fc
    .tuple(
      fc.constantFrom("http", "https", "wss"),
      hosts,
      fc.stringMatching(/^[/ab.%2eE~é?#-]{0,12}$/),
    )
    .map(([scheme, host, rest]) => `${scheme}://${host}/${rest}`);
  fc.assert(
    fc.property(urls, fc.nat(60), (url, length) => {
      fc.pre(URL.canParse(url));
      const { origin, pathname } = new URL(url);
      const prefix = (origin + pathname).slice(0, length);
      expect(mayMatch([{ method: "*", prefix }], "GET", url)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
