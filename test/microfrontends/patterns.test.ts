// Path patterns: what the grammars of Turborepo and @vercel/microfrontends mean, what is refused, and a comparison
// with regular expressions written the way path-to-regexp writes them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isCrosswireError } from "../../src/errors.ts";
import { parsePattern } from "../../src/http/microfrontends/path-pattern.ts";
import { routingPath, splitTarget } from "../../src/http/routing-path.ts";
import { SegmentTrie } from "../../src/http/microfrontends/segment-trie.ts";
import { SEED } from "../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

function matcherOf(pattern: string): (target: string) => boolean {
  const trie = new SegmentTrie();
  for (const variant of parsePattern(pattern).variants) trie.add(variant, 0);
  return (target) => trie.walk(splitTarget(target)).found.length > 0;
}

function refusalOf(pattern: string): string {
  try {
    parsePattern(pattern);
  } catch (error) {
    if (isCrosswireError(error, "XW_CONFIG")) return error.message;
    throw error;
  }
  return "";
}

interface Meaning {
  readonly pattern: string;
  readonly yes: readonly string[];
  readonly no: readonly string[];
}

const meanings: readonly Meaning[] = [
  { pattern: "/", yes: ["/", "//", "/?a", "/."], no: ["/a"] },
  {
    pattern: "/docs",
    yes: ["/docs", "/docs/", "//docs", "/docs?x=/y", "/a/../docs", "/./docs", "/a/%2E%2e/docs"],
    no: ["/docsx", "/DOCS", "/docs/x", "/docs%2f..", "/docs%2F", "/%64ocs", "/docs\\x", "/docs/.x"],
  },
  { pattern: "/docs/", yes: ["/docs", "/docs/"], no: ["/docs/x"] },
  { pattern: "/:slug", yes: ["/a", "/a/"], no: ["/", "/a/b"] },
  { pattern: "/a/:x/c", yes: ["/a/b/c", "/a/c/c"], no: ["/a/c", "/a//c", "/a/b/b/c"] },
  {
    pattern: "/docs/:path*",
    yes: ["/docs", "/docs/", "/docs/a", "/docs/a/b"],
    no: ["/", "/docsa"],
  },
  { pattern: "/docs/:path+", yes: ["/docs/a", "/docs/a/b/"], no: ["/docs", "/docs/"] },
  { pattern: "/user/:id?", yes: ["/user", "/user/1"], no: ["/user/1/2", "/users"] },
  { pattern: "/:path*", yes: ["/", "/a", "/a/b"], no: [] },
  { pattern: "/:path(a|b|c)", yes: ["/a", "/b", "/c"], no: ["/", "/d", "/a/b", "/ab"] },
  { pattern: "/(a|b)/x", yes: ["/a/x", "/b/x"], no: ["/a", "/c/x"] },
  { pattern: "/:path(a|b)*", yes: ["/", "/a", "/a/b/a"], no: ["/c", "/a/c"] },
  { pattern: "/:path(a|b)+", yes: ["/a", "/a/b"], no: ["/", "/a/c"] },
  { pattern: "/x/:path(a|b)?", yes: ["/x", "/x/a"], no: ["/x/c", "/x/a/b"] },
  {
    pattern: "/:path(\\(foo\\)|\\(bar\\))",
    yes: ["/(foo)", "/(bar)"],
    no: ["/", "/foo", "/(foo)/a"],
  },
  { pattern: "/:path((?!a|b|c).*)", yes: ["/", "/d", "/d/a"], no: ["/a", "/b", "/abc", "/a/d"] },
  { pattern: "/:path((?!a-a).*)", yes: ["/", "/d", "/b/a-a"], no: ["/a-a", "/a-a/b"] },
  {
    pattern: "/app/((?!foo).*)",
    yes: ["/app/", "/app/x", "/app/x/foo"],
    no: ["/app", "/app/foo", "/app/food"],
  },
  {
    pattern: "/app/:p((?!foo).*)/bar",
    yes: ["/app/x/bar", "/app/x/y/bar"],
    no: ["/app/bar", "/app/foo/bar", "/app/x"],
  },
  {
    pattern: "/app/:p((?!foo).*)/:q*",
    yes: ["/app/", "/app/x", "/app/x/y"],
    no: ["/app", "/app/foo/x"],
  },
  {
    pattern: "/some-:x-path",
    yes: ["/some-a-path", "/some-a-b-path"],
    no: ["/some--path", "/some-path", "/some-a"],
  },
  {
    pattern: "/workbox-:hash.js",
    yes: ["/workbox-1.js", "/workbox-a.b.js"],
    no: ["/workbox-.js", "/workbox-1.jsx"],
  },
  { pattern: "/x.:ext", yes: ["/x.js"], no: ["/x.", "/x", "/x.tar.gz"] },
  { pattern: "/pre-:x*", yes: ["/pre-", "/pre-a"], no: ["/pre", "/pre-a/b"] },
  { pattern: "/pre-:x+", yes: ["/pre-a"], no: ["/pre-", "/pre-a/b"] },
  { pattern: "/docs-:lang(de|en)", yes: ["/docs-de", "/docs-en"], no: ["/docs-fr", "/docs-"] },
  { pattern: "/\\:regex\\(\\[a-z\\]\\+\\)", yes: ["/:regex([a-z]+)"], no: ["/regex"] },
  { pattern: "/has-a-dollar$/\\*", yes: ["/has-a-dollar$/*"], no: ["/has-a-dollar$/x"] },
  { pattern: "/café/:x(später|soon)", yes: ["/caf%C3%A9/sp%C3%A4ter"], no: ["/cafe/soon"] },
  { pattern: "/__proto__/constructor", yes: ["/__proto__/constructor"], no: ["/__proto__"] },
];

describe("a pattern means what both products document", () => {
  test.each(meanings)("$pattern", ({ pattern, yes, no }) => {
    const isMatch = matcherOf(pattern);
    expect(yes.filter((target) => !isMatch(target))).toEqual([]);
    expect(no.filter(isMatch)).toEqual([]);
  });
});

describe("what cannot be honoured exactly is refused with what to write instead", () => {
  test.each([
    ["", 'does not begin with "/"', 'write "/docs"'],
    ["docs", 'does not begin with "/"', 'write "/docs"'],
    ["/api/:", 'a ":" without a name', 'write ":path"'],
    ["/api/*", 'a "*" that follows no parameter', 'write ":path*"'],
    ["/+", 'a "+" that follows no parameter', 'write ":path+"'],
    ["/:path*/x", "has :path* before its end", "write :path for one segment"],
    ["/:path+/x", "has :path+ before its end", "write :path for one segment"],
    ["/a/:id?/b", "has the optional :id before its end", "list the path twice"],
    ["/book/:author-:title", "two parameters in one segment", "write one"],
    ["/:test.:format?", "two parameters in one segment", "write one"],
    ["/a/:x([a-z]+)", 'the regular expression "["', "(a|b)"],
    ["/a/:x(\\d+)", "the regular expression \\d", "write a parameter such as :id"],
    ["/a/\\d", "the regular expression \\d", "write a parameter such as :id"],
    ["/a/:x(a.b|c)", 'the regular expression "."', '"\\\\" before special characters'],
    ["/a/:x(.*)", "has the group (.*)", "write :path*"],
    ["/a/:x(!cat|dog)", 'the regular expression "!"', "((?!a|b).*)"],
    ["/a/:x(b/:y)", "reaches over a slash", "(a|b)"],
    ["/a/:x((b).*)", 'the regular expression "("', "(a|b)"],
    ["/a/:x((?!b))", "a (?!…) that .* does not follow", "((?!a|b).*)"],
    ["/a/:x((?!b).*)*", 'has "*" after (?!…).*', 'leave the "*" away'],
    ["/a/pre-:x((?!b).*)", "has text beside :x((?!…).*)", "a segment of its own"],
    ["/a/:x(b", "a group that does not end", 'write ")"'],
    ["/a/:x(|b)", "an empty alternative", "list the path without it"],
    ["/a/b)", 'a ")" that opens nowhere', '"\\\\)"'],
    ["/a{/b}?", 'has "{" or "}"', "list each path by itself"],
    ["/test{.:format}+", 'has "{" or "}"', "list each path by itself"],
    ["/a?b=c", 'has a "?"', "leave the query away"],
    ["/a#b", 'has a "#"', "a browser never sends"],
    ["/pre-:x?", "has the optional :x beside other text", "list the path twice"],
    ["/x.:ext*", "has :ext* beside other text", 'leave the "*" away'],
    ["/a//b", "has an empty segment", 'write one "/"'],
    ["/a/../b", 'has the segment ".."', "the path that it leads to"],
    ["/a/%2E/b", 'has the segment "%2E"', "the path that it leads to"],
    ["/a\\", 'ends with "\\"', "leave it away"],
  ])("%j", (pattern, reason, advice) => {
    const refusal = refusalOf(pattern);
    expect(refusal).toContain(`the path ${JSON.stringify(pattern)} `);
    expect(refusal).toContain(reason);
    expect(refusal).toContain(advice);
  });
});

describe("the path that routes are chosen by", () => {
  test.each([
    ["//docs", "/docs"],
    ["/a//b///c", "/a/b/c"],
    ["/a/./b/../c", "/a/c"],
    ["/%2e%2E/%2e/x", "/x"],
    ["/.%2e/x", "/x"],
    ["/../../x", "/x"],
    ["/a/..", "/"],
    ["/a/b/..", "/a/"],
    ["/a/.", "/a/"],
    ["/a/?b=/../c", "/a/"],
    ["/docs%2f..", "/docs%2f.."],
    ["/%2561", "/%2561"],
    ["/a;b/c", "/a;b/c"],
    ["", "/"],
    ["?a", "/"],
  ])("of %j is %j", (target, path) => {
    expect(routingPath(target)).toBe(path);
    expect(routingPath(path)).toBe(path);
  });
});

const WORDS = ["a", "b", "ab", "a-b", "x.y", "docs", "a.b.c", "%2f"];
const word = fc.constantFrom(...WORDS);
const words = fc.uniqueArray(word, { minLength: 1, maxLength: 3 });

interface Part {
  readonly pattern: string;
  /** The same as a regular expression, the slash before it included. */
  readonly source: string;
}

const MANY = "[^/]+(?:/[^/]+)*";
const literal = word.map((text): Part => ({ pattern: `/${text}`, source: `/${escaped(text)}` }));
const param = fc.constant<Part>({ pattern: "/:x", source: "/[^/]+" });
const choice = words.map((texts): Part => ({
  pattern: `/:x(${texts.map(grouped).join("|")})`,
  source: `/(?:${texts.map(escaped).join("|")})`,
}));
const composed = fc.tuple(word, word).map(([before, after]): Part => ({
  pattern: `/${before}-:x-${after}`,
  source: `/${escaped(before)}-[^/]+-${escaped(after)}`,
}));
const dotted = word.map((text): Part => ({
  pattern: `/${text}.:ext`,
  source: `/${escaped(text)}\\.[^/.]+`,
}));
const not = words.map((texts): Part => ({
  pattern: `/:x((?!${texts.map(grouped).join("|")}).*)`,
  source: `/(?!${texts.map(escaped).join("|")}).*`,
}));
const ending = fc.oneof(
  not,
  fc.constant<Part>({ pattern: "/:path*", source: `(?:/${MANY})?` }),
  fc.constant<Part>({ pattern: "/:path+", source: `/${MANY}` }),
  fc.constant<Part>({ pattern: "/:path?", source: "(?:/[^/]+)?" }),
  fc.constant<Part>({ pattern: "", source: "" }),
);
const one = fc.oneof({ weight: 4, arbitrary: literal }, param, choice, composed, dotted, not);
const pattern = fc
  .tuple(fc.array(one, { maxLength: 3 }), ending)
  .filter(([parts, last]) => parts.length > 0 || last.pattern !== "")
  .map(([parts, last]) => [...parts, last])
  .map((parts) => ({
    pattern: parts.map((part) => part.pattern).join(""),
    regExp: new RegExp(`^${parts.map((part) => part.source).join("")}/?$`),
  }));

const segment = fc.oneof(
  word,
  fc.tuple(word, fc.constantFrom("-", ".", "-b-", "c-"), word).map((parts) => parts.join("")),
  fc.stringMatching(/^[ab.-]{1,4}$/).filter((text) => !/^\.{1,2}$/.test(text)),
);
const path = fc
  .tuple(fc.array(segment, { maxLength: 5 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join("/")}${slash && segments.length > 0 ? "/" : ""}`);

test("matches exactly what an independent regular expression of the same pattern matches", () => {
  fc.assert(
    fc.property(pattern, fc.array(path, { minLength: 5, maxLength: 20 }), (made, paths) => {
      const isMatch = matcherOf(made.pattern);
      for (const target of paths) {
        const told = `${made.pattern} on ${target}`;
        expect(`${told}: ${isMatch(target)}`).toBe(`${told}: ${made.regExp.test(target)}`);
      }
    }),
    { numRuns: 3000 },
  );
});

test("reads any text as a pattern or refuses it, and never fails otherwise", () => {
  const text = fc.oneof(
    fc.stringMatching(/^\/[ab:/()|?!.*+{}\\#-]{0,15}$/),
    fc.string({ unit: "binary", maxLength: 20 }).map((tail) => `/${tail}`),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  fc.assert(
    fc.property(text, fc.string({ unit: "binary", maxLength: 40 }), (source, target) => {
      if (refusalOf(source) === "") matcherOf(source)(target);
    }),
    { numRuns: 5000 },
  );
});

/** The fastest of some runs: the others were held up by something else. */
function fastest(run: () => void): number {
  const times = Array.from({ length: 3 }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return Math.min(...times);
}

describe("takes time in proportion to the path", () => {
  const HOSTILE = [
    "/:a((?!x).*)/y/:b((?!x).*)/y/:c((?!x).*)/z",
    "/:a(a|b)*",
    "/a-:x-a",
    "/:path*",
    "/:a((?!b).*)/:c/:d/:e/:f",
  ];
  test.each(HOSTILE)("%s", (hostile) => {
    const isMatch = matcherOf(hostile);
    for (const part of ["/y", "/a", "a", "-a", "/", "%2e/", "a-", "/a-a"]) {
      const short = `/${part.repeat(1_000)}`;
      const long = `/${part.repeat(100_000)}`;
      // A hundred times the path: quadratic time would be ten thousand times as long, seconds.
      expect(fastest(() => isMatch(long))).toBeLessThan(
        100 + 1_000 * fastest(() => isMatch(short)),
      );
    }
  });
});

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Inside a group everything special has a backslash before it. */
function grouped(text: string): string {
  return text.replaceAll(/[^\w~%-]/g, "\\$&");
}
