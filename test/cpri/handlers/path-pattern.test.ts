// Which URL a pattern matches and what its placeholders stand for: cases as MSW has them, and a comparison with MSW.

import fc from "fast-check";
import { matchRequestUrl } from "msw";
import { expect, test } from "vitest";
import { compilePattern, type Pattern } from "../../../src/cpri/handlers/path-pattern.ts";
import { Interest, mayMatch } from "../../../src/cpri/interest.ts";
import { SEED } from "../../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const match = (pattern: Pattern, url: string): unknown =>
  compilePattern(pattern).match(new URL(url));

test.each<[pattern: Pattern, url: string, params: Record<string, unknown>]>([
  // Nothing but text.
  ["https://a.io", "https://a.io", {}],
  ["https://a.io", "https://a.io/?q=1", {}],
  ["https://a.io/users", "https://a.io/users", {}],
  ["https://a.io/users", "https://a.io/users/", {}],
  ["https://a.io/users", "https://a.io/users?q=1#top", {}],
  ["https://a.io/users/", "https://a.io/users/", {}],
  ["http://localhost:3000/x", "http://localhost:3000/x", {}],
  ["ws://a.io/chat", "ws://a.io/chat?room=1", {}],
  // Written as URL would not write it.
  ["HTTPS://A.io:443/x", "https://a.io/x", {}],
  ["https://a.io/x", "https://user:word@a.io/x", {}],
  ["https://bücher.example/ü b", "https://xn--bcher-kva.example/%C3%BC%20b", {}],
  ["http://[::1]:80/x", "http://[::1]/x", {}],
  ["/a\\:b\\(c\\)\\?d", "https://a.io/a:b(c)%3Fd", {}],
  // Parameters.
  ["https://a.io/user/:id", "https://a.io/user/abc-123", { id: "abc-123" }],
  ["https://a.io/user/:id", "https://a.io/user/1/", { id: "1" }],
  ["https://a.io/:url", "https://a.io/http%3A%2F%2Fb.io%3A1%2Fx", { url: "http://b.io:1/x" }],
  ["https://a.io/:text", "https://a.io/100%25%zz", { text: "100%25%zz" }],
  ["/flights/:from-:to", "https://a.io/flights/LAX-SFO-2", { from: "LAX", to: "SFO-2" }],
  ["/:__proto__", "https://a.io/x", { ["__proto__"]: "x" }],
  ["/user/:id?", "https://a.io/user", {}],
  ["/user/:id?", "https://a.io/user/7", { id: "7" }],
  ["/user/:id?/edit", "https://a.io/user/edit", {}],
  ["/user/:id?/edit", "https://a.io/user/7/edit", { id: "7" }],
  ["/file.:ext?", "https://a.io/file", {}],
  ["/files/:path+", "https://a.io/files/a/b%2Fc", { path: ["a", "b/c"] }],
  ["/files/:path*", "https://a.io/files", {}],
  ["/files/:path*/raw", "https://a.io/files/a/b/raw", { path: ["a", "b"] }],
  ["/v.:part+", "https://a.io/v.1.2", { part: ["1", "2"] }],
  ["wss://:service.a.io", "wss://test.a.io", { service: "test" }],
  // Wildcards.
  ["*", "https://a.io", { 0: "https://a.io/" }],
  ["*/user", "https://a.io/api/user", { 0: "https://a.io/api" }],
  ["https://a.io/us*", "https://a.io/users/7", { 0: "ers/7" }],
  ["/foo/**", "https://a.io/foo/a/b", { 0: "a/b" }],
  ["http://localhost:*", "http://localhost:3000", { 0: "3000/" }],
  ["http://localhost:*/", "http://localhost:3000", { 0: "3000" }],
  ["http://localhost:*/a", "http://localhost:3000/a", { 0: "3000" }],
  ["http://localhost:*/b", "http://localhost:3000/a/b", { 0: "3000/a" }],
  ["http://*.local:*/u/*", "http://s.local:3000/u/x", { 0: "s", 1: "3000", 2: "x" }],
  ["http://[::1]:*/a", "http://[::1]:3000/a", { 0: "3000" }],
  ["*://a.io/x", "https://a.io/x", { 0: "https" }],
  ["*:3000/x", "http://a.io:3000/x", { 0: "http://a.io" }],
  // Regular expressions.
  [/a\.io/, "https://a.io/", {}],
  [/user\/(\d+)$/g, "https://a.io/user/7?q=8", { 0: "7" }],
  [/user\/(?<id>\d+)$/, "https://a.io/user/7", { id: "7" }],
])("%s matches %s", (pattern, url, params) => {
  const compiled = compilePattern(pattern);
  const expected = Object.assign(Object.create(null), params) as unknown;
  // Twice, because some regular expressions remember where they were.
  for (let i = 0; i < 2; i++) expect(compiled.match(new URL(url))).toStrictEqual(expected);
});

test.each<[pattern: Pattern, url: string]>([
  ["https://a.io", "https://b.io"],
  ["https://a.io", "http://a.io"],
  ["https://a.io", "https://a.io.evil.io"],
  ["https://a.io", "https://a.io:8443"],
  ["https://a.io/users", "https://a.io/user"],
  ["https://a.io/users", "https://a.io/users2"],
  ["https://a.io/users/", "https://a.io/users"],
  // As servers see it; MSW does not.
  ["https://a.io/users", "https://a.io/Users"],
  ["https://a.io/users/:id", "https://a.io/users/"],
  ["https://a.io/users/:id", "https://a.io/users/1/2"],
  ["/files/:path+", "https://a.io/files"],
  ["/files/:path+", "https://a.io/files/a//b"],
  // Of the host, a wildcard stands for no more than that.
  ["https://*.a.io/x", "https://evil.io/b.a.io/x"],
  ["ws://a.io/chat", "http://a.io/chat"],
  [/^user/, "https://a.io/user"],
])("%s does not match %s", (pattern, url) => {
  expect(match(pattern, url)).toBeUndefined();
});

test.each<[pattern: unknown, says: string]>([
  [undefined, "not for undefined"],
  [null, "not for null"],
  [7, "not for number"],
  ["", 'begins with a scheme, with * or with /. Write "*/"'],
  ["users/:id", 'Write "*/users/:id"'],
  ["localhost:3000/x", 'Write "http://localhost:3000/x"'],
  ["//a.io/x", 'Write "https://a.io/x"'],
  ["ftp://a.io/", "not ftp"],
  ["https://a b/", "no host of a URL"],
  ["https:///x", 'it has no host. Write "*/x"'],
  ["https://u:p@a.io/", "leave them out"],
  ["https://*.bücher.example/", "written in ASCII"],
  ["/a/../b", "segments . and .."],
  ["/a/%2E/b", "segments . and .."],
  [
    "/users?id=1",
    'searchParams in the resolver, which returns undefined for what it does not want. Write "/users"',
  ],
  ["/users/:id?x=1", 'Write "/users/:id"'],
  ["/users#top", 'Write "/users"'],
  ["/users/:id(\\d+)", "no groups. Use a RegExp"],
  ["/users{/:id}?", "no groups"],
])("%j is refused at once, with what to write instead", (pattern, says) => {
  const compile = (): unknown => compilePattern(pattern as Pattern);
  expect(compile).toThrow(TypeError);
  expect(compile).toThrow(says);
});

test("a pattern has bounds", () => {
  expect(() => compilePattern(`/${"x".repeat(2_048)}`)).toThrow("2049 characters");
  expect(() => compilePattern(`/${":a-".repeat(33)}`)).toThrow("more than 32 placeholders");
});

test("a URL of 8 KiB that was made to be slow is matched in milliseconds", () => {
  const patterns = [
    `*${"/a*".repeat(31)}b`,
    `/${":x-".repeat(32)}`.slice(0, -1),
    `/${"*a".repeat(31)}b`,
    "/:a+/:b+/:c+/:d+/x",
    "/:a*/:b*/:c*/:d*/x",
  ];
  const urls = ["/a", "a", "a-", "-"].map(
    (text) => `https://a.io/${text.repeat(8_192 / text.length)}`,
  );
  const begin = performance.now();
  for (const pattern of patterns) for (const url of urls) match(pattern, `${url}/y`);
  // Twenty of them. What backtracks takes longer than the universe lasts.
  expect(performance.now() - begin).toBeLessThan(2_000);
});

const SEGMENT = fc.stringMatching(/^[abA%.é~ -]{0,3}$/);
const HOST = fc.constantFrom(
  "a.io",
  "b.a.io",
  "localhost:3000",
  "a.io:80",
  "127.1",
  "A.IO",
  "[::1]",
);
const SCHEME = fc.constantFrom("http", "https", "ws");
const PLACEHOLDER = fc.constantFrom(":p", ":p?", ":p+", ":p*", "*", ":p-:q", "x*", ":p.:q?");
const PATH = fc.array(SEGMENT, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);

test("a pattern that matches is never ruled out by its outline", () => {
  const origins = fc.oneof(
    fc.tuple(SCHEME, HOST).map(([scheme, host]) => `${scheme}://${host}`),
    fc.constantFrom("", "*", "http://*", "https://*.io", "http://localhost:*", "http://:h.io"),
  );
  const patterns = fc
    .tuple(origins, fc.array(fc.oneof(SEGMENT, PLACEHOLDER), { maxLength: 3 }))
    .map(([origin, segments]) => `${origin}/${segments.join("/")}`);
  const users = fc.constantFrom("", "", "u:p@");
  const urls = fc
    .tuple(SCHEME, users, HOST, PATH, fc.constantFrom("", "?", "?a=/b", "#c"))
    .map(([scheme, user, host, path, query]) => `${scheme}://${user}${host}${path}${query}`);
  let matched = 0;
  fc.assert(
    fc.property(patterns, urls, (pattern, url) => {
      // Refused, with a reason.
      fc.pre(!/^\/\/|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(pattern));
      const compiled = compilePattern(pattern);
      if (compiled.match(new URL(url)) === undefined) return;
      matched++;
      expect(mayMatch([new Interest("GET", compiled.outline)], "GET", url)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
  expect(matched).toBeGreaterThan(50);
});

test("what is written as a URL matches itself, however it is written", () => {
  const urls = fc
    .tuple(SCHEME, HOST, PATH)
    .map(([scheme, host, path]) => `${scheme}://${host}${path}`);
  fc.assert(
    fc.property(urls, (url) => {
      fc.pre(!/\/(?:\.|%2e){1,2}(?:\/|$)/i.test(url));
      // At the end of a URL, blanks do not count; here something follows.
      expect(match(`${url}x`, `${url}x?q`)).toBeDefined();
    }),
  );
});

test("MSW says the same about patterns of both", () => {
  const parts = fc.constantFrom("a", "b", "ab", ":p", ":q", "*", "a*", "a-:r", ":s.:t");
  const ends = fc.constantFrom("", "", "/:last?", "/:last+", "/:last*", "/");
  const patterns = fc
    .tuple(fc.constantFrom("https://x.io", "*"), fc.uniqueArray(parts, { maxLength: 3 }), ends)
    .map(([origin, segments, end]) => `${[origin, ...segments].join("/")}${end}`);
  const urls = fc
    .array(fc.constantFrom("a", "b", "ab", "a-b", "a.b", ""), { maxLength: 4 })
    .map((segments) => `https://${["x.io", ...segments].join("/")}`);
  let matched = 0;
  fc.assert(
    fc.property(patterns, urls, (pattern, url) => {
      // To us an origin has the path "/", and one more slash at the end is tolerated.
      fc.pre(pattern !== "https://x.io");
      const theirs = matchRequestUrl(new URL(url), pattern);
      const ours = match(pattern, url);
      if (ours !== undefined) matched++;
      expect(ours).toEqual(theirs.matches ? theirs.params : undefined);
    }),
    { numRuns: 1_500 },
  );
  expect(matched).toBeGreaterThan(100);
});
