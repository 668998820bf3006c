// Whether a request could be wanted is told from what its URL looks like, however the application writes it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Interest, mayMatch } from "../../../src/cpri/interest.ts";
import { SEED } from "../../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const users = new Interest("GET", "http://a.io/users*");

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
  expect(mayMatch([new Interest("PUT", "*"), users], method, url)).toBe(isWanted);
});

test("a number that is an address is known as one", () => {
  const local = new Interest("*", "http://127.0.0.1/x");
  for (const host of ["127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "127.0.0.1."]) {
    const isWanted = mayMatch([local], "GET", `http://${host}/x`);
    expect({ host, isWanted }).toEqual({ host, isWanted: true });
  }
});

test("nothing is wanted where there are no handlers, and all of it by one that knows nothing of URLs", () => {
  expect(mayMatch([], "GET", "http://a.io/")).toBe(false);
  expect(mayMatch([new Interest("*", "*")], "GET", "http://a.io/")).toBe(true);
});

test.each<[outline: string, wanted: string[], others: string[]]>([
  [
    "/users/*",
    ["http://a.io/users/7", "https://b.io:1/users/", "http://a.io/Users/7"],
    ["http://a.io/user/7", "http://a.io/api/users/7", "http://users/", "http://a.io/?q=/users/7"],
  ],
  [
    "*/users",
    [
      "http://a.io/users",
      "http://a.io/api/users/",
      "http://a.io/users?q=1",
      "http://a.io/users/#a",
    ],
    ["http://a.io/users/7", "http://a.io/super-users", "http://a.io/?q=/users"],
  ],
  [
    "https://*.example.com/api/*",
    ["https://a.example.com/api/x?y", "https://a.b.example.com/api/"],
    ["https://example.org/api/x", "http://a.example.com/api/x", "https://a.example.com/app/api"],
  ],
  [
    "http://localhost:3000/a/*/c",
    ["http://localhost:3000/a/b/c", "http://localhost:3000/a/b/c/?d"],
    ["http://localhost:3000/a/b/d", "http://localhost:3000/a/c", "http://localhost:30001/a/b/c"],
  ],
  [
    "*/a/*/b/*",
    ["http://a.io/a/b/b/", "http://a.io/a/x/b/"],
    ["http://a.io/b/a/", "http://a.io/a/?/b/"],
  ],
  ["http://a.io/x", ["http://a.io/x", "http://a.io/x/?y"], ["http://a.io/xy", "http://a.io/x/y"]],
  ["/", ["http://a.io", "https://b.io/?x"], ["http://a.io/x"]],
  // What is encoded may stand for anything; what comes before is known.
  [
    "http://a.io/users/*/edit",
    ["http://a.io/users/%37/%65dit", "http://a.io/us%65rs/7"],
    ["http://a.io/items/%37/edit", "http://b.io/us%65rs/7"],
  ],
])("%s is asked about for what could match, and for nothing else", (outline, wanted, others) => {
  const isWanted = (url: string): boolean =>
    mayMatch([new Interest("GET", "/other/*"), new Interest("GET", outline)], "GET", url);
  expect(wanted.filter((url) => !isWanted(url))).toEqual([]);
  expect(others.filter(isWanted)).toEqual([]);
});

test("whatever is left out of what URL makes of it", () => {
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
    fc.property(urls, fc.array(fc.nat(60), { maxLength: 6 }), fc.boolean(), (url, cuts, isPath) => {
      fc.pre(URL.canParse(url));
      const { origin, pathname } = new URL(url);
      const all = isPath ? pathname : origin + pathname;
      const interest = new Interest("*", outlineWithout(all, isPath ? [1, ...cuts] : cuts));
      const isWanted = mayMatch([interest], "GET", url);
      expect({ outline: interest.outline, url, isWanted }).toMatchObject({ isWanted: true });
    }),
    { numRuns: 2_000 },
  );
});

/** Each second piece of it is left out. */
function outlineWithout(text: string, cuts: readonly number[]): string {
  const at = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b)];
  const pieces = at.map((from, i) => text.slice(from, at[i + 1]));
  return pieces.map((piece, i) => (i % 2 === 0 ? piece : "*")).join("");
}
