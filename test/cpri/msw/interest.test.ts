// What MSW matches, in each of its versions, is never ruled out by the outline that stands for its pattern.

import fc from "fast-check";
import * as msw2 from "msw";
import * as msw3 from "msw3";
import { expect, test } from "vitest";
import { type Interest, mayMatch } from "../../../src/cpri/interest.ts";
import { interestOfMsw, webSocketInterestOfMsw } from "../../../src/cpri/msw/msw-interest.ts";
import { SEED } from "../../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const ORIGIN = fc.constantFrom(
  "",
  "*",
  "http://a.io",
  "HTTP://A.io:81",
  "http://*.io",
  "http://a.io:*",
  "http://:h.io",
  "*://a.io",
);
const LITERAL = fc.stringMatching(/^[aB.%41~@]{1,3}$/);
const PLACEHOLDER = fc.constantFrom(
  ":p",
  ":p?",
  ":p+",
  ":p*",
  "*",
  "**",
  "a*",
  ":p-:q",
  "a.:p?",
  "(a)?",
  "(.*)",
  "{a}?",
  "%41",
  "socket.io",
);
const SEGMENT = fc.oneof({ weight: 2, arbitrary: LITERAL }, PLACEHOLDER);
const END = fc.constantFrom("", "", "/", "?", "?x", "*");
const PATTERN = fc
  .tuple(ORIGIN, fc.array(SEGMENT, { maxLength: 3 }), END)
  .map(([origin, segments, end]) => `${[origin, ...segments].join("/")}${end}`);

/** What a pattern could be meant for: every placeholder is filled in somehow, or left out with what is before it. */
const FILLING = fc.constantFrom(undefined, "", "a", "B", "a/b", "a.io", "%41", "-");
const FILLED = /([/.]?)(?::[a-z]\w*[?+*]?|\*+|\((?:a|\.\*)\)\??|\{a\}\?)/gi;

function urlFor(pattern: string, fillings: readonly (string | undefined)[], way: number): string {
  let i = 0;
  const filled = pattern.replace(FILLED, (_, lead: string) => {
    const filling = fillings[i++ % fillings.length];
    return filling === undefined ? "" : lead + filling;
  });
  const absolute = filled.startsWith("http") ? filled : `http://a.io/${filled.replace(/^\/+/, "")}`;
  const { origin, pathname } = new URL(absolute);
  const path = [pathname, pathname.toUpperCase(), encoded(pathname), `/socket.io${pathname}`];
  return `${origin}${path[way] ?? pathname}${way % 2 === 0 ? "" : "/"}`;
}

function encoded(path: string): string {
  return path.replaceAll("a", "%61");
}

const ASKED = fc.tuple(
  PATTERN,
  fc.array(FILLING, { minLength: 1, maxLength: 4 }),
  fc.nat({ max: 4 }),
);

test.each([
  ["msw 2", msw2],
  ["msw 3", msw3 as unknown as typeof msw2],
])("%s: a request that matches is asked about", (_, { http, matchRequestUrl }) => {
  let matched = 0;
  fc.assert(
    fc.property(ASKED, ([pattern, fillings, way]) => {
      const url = orUndefined(() => urlFor(pattern, fillings, way));
      if (url === undefined) return;
      const isMatch = orUndefined(() => matchRequestUrl(new URL(url), pattern).matches);
      if (isMatch !== true) return;
      matched++;
      const handler = http.get(withoutQuery(pattern), () => undefined);
      expectWanted(interestOfMsw(handler), url, pattern);
    }),
    { numRuns: 1_500 },
  );
  expect(matched).toBeGreaterThan(150);
});

test.each([
  ["msw 2", msw2],
  ["msw 3", msw3 as unknown as typeof msw2],
])("%s: a WebSocket that matches is asked about", (_, { ws }) => {
  const only = ws.link("*").addEventListener("connection", () => {});
  let matched = 0;
  fc.assert(
    fc.property(ASKED, ([pattern, fillings, way]) => {
      const url = orUndefined(() => urlFor(pattern, fillings, way).replace("http", "ws"));
      if (url === undefined) return;
      // Each new one would listen to a channel of its own.
      const handler = Object.assign(only, { url: pattern });
      const isMatch = orUndefined(() => {
        const parsedResult = handler.parse({ url: new URL(url) });
        return handler.predicate({ url: new URL(url), parsedResult });
      });
      if (isMatch !== true) return;
      matched++;
      expectWanted(webSocketInterestOfMsw(handler), url, pattern);
    }),
    { numRuns: 1_500 },
  );
  expect(matched).toBeGreaterThan(150);
});

/** MSW throws for some patterns, when it is asked about a URL. */
function orUndefined<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** MSW warns about one, on the console. */
function withoutQuery(pattern: string): string {
  return pattern.endsWith("?") ? pattern : pattern.replace(/[?|#].*$/, "");
}

function expectWanted(interest: Interest, url: string, pattern: string): void {
  const isWanted = mayMatch([interest], "GET", url);
  expect({ pattern, outline: interest.outline, url, isWanted }).toMatchObject({ isWanted: true });
}
