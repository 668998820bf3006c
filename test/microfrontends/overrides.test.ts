// What one request may change about its route, and what it may not.

import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import {
  type Flags,
  flagsOf,
  flagValueOf,
  readOverrides,
  withoutFlagValue,
} from "../../src/http/microfrontends/overrides.ts";
import { parse } from "./config-text.ts";

const ENV = "vercel-micro-frontends-override:env:";
const config = {
  applications: {
    web: { development: { local: 3000, fallback: "web.example.com" } },
    docs: {
      development: { local: 3001, fallback: "docs.example.com/base" },
      routing: [{ paths: ["/docs"] }],
    },
  },
};
const source = parse(config);

function environmentsOf(cookie: string): unknown {
  return Object.fromEntries(readOverrides(source, { cookie }).environments);
}

describe("the override cookie", () => {
  test.each([
    [`${ENV}docs=docs.example.com`, { docs: "https://docs.example.com/base" }],
    [`${ENV}docs=https%3A%2F%2Fdocs.example.com%2Fbase`, { docs: "https://docs.example.com/base" }],
    [`${ENV}docs=localhost:3001`, { docs: "http://localhost:3001" }],
    [
      `a=b; ${ENV}docs="DOCS.example.com"; ${ENV}web=web.example.com; c`,
      {
        docs: "https://docs.example.com/base",
        web: "https://web.example.com",
      },
    ],
    ["a=b", {}],
    [`x${ENV}docs=docs.example.com`, {}],
    [`${ENV}docs=`, {}],
    [`${ENV}docs`, {}],
    [`${ENV}docs=%`, {}],
  ])("%s chooses among the addresses of the application", (cookie, environments) => {
    expect(environmentsOf(cookie)).toEqual(environments);
  });

  test.each([
    "evil.example",
    "169.254.169.254",
    "localhost:22",
    "docs.example.com@evil.example",
    "docs.example.com.evil.example",
    "docs.example.com:8080",
    "http://docs.example.com/base",
    "web.example.com",
    "localhost",
    "//docs.example.com",
  ])("cannot send docs to %s, which the file does not name for it", (host) => {
    const { environments, refused } = readOverrides(source, { cookie: `${ENV}docs=${host}` });
    expect(environments.size).toBe(0);
    expect(refused).toEqual([`env:docs=${host}`]);
  });

  test.each(["other", "__proto__", "constructor", ""])(
    "has no effect for %j, which is no application",
    (name) => {
      const { environments, refused } = readOverrides(source, {
        cookie: `${ENV}${name}=web.example.com`,
      });
      expect(environments.size).toBe(0);
      expect(refused).toHaveLength(1);
    },
  );
});

describe("the zone header", () => {
  test("names the application, whatever the path", () => {
    const { app, refused } = readOverrides(source, { "x-vercel-mfe-zone": "docs" });
    expect([app?.name, refused]).toEqual(["docs", []]);
  });

  test.each(["other", "__proto__", "", "docs, web"])(
    "%j is refused when it is no application",
    (zone) => {
      const { app, refused } = readOverrides(source, { "x-vercel-mfe-zone": zone });
      expect([app, refused]).toEqual([undefined, [`x-vercel-mfe-zone: ${zone}`]]);
    },
  );
});

test("no override counts where the file disables them", () => {
  const disabled = parse({ ...config, options: { disableOverrides: true } });
  const headers = { cookie: `${ENV}docs=docs.example.com`, "x-vercel-mfe-zone": "docs" };
  expect(readOverrides(source, headers).app?.name).toBe("docs");
  expect(readOverrides(disabled, headers)).toEqual({ environments: new Map(), refused: [] });
});

describe("the flag value of the query", () => {
  test.each([
    ["/a?vercel-mfe-flag-value=true", true, "/a"],
    ["/a?vercel-mfe-flag-value=false&b=%20+", false, "/a?b=%20+"],
    ["/a?b=1&vercel-mfe-flag-value=true&c=?d", true, "/a?b=1&c=?d"],
    ["/a?b=1&vercel-mfe-flag-value=true", true, "/a?b=1"],
    ["/a?vercel-mfe-flag-value=1", undefined, "/a?vercel-mfe-flag-value=1"],
    ["/a?x-vercel-mfe-flag-value=true", undefined, "/a?x-vercel-mfe-flag-value=true"],
    ["/vercel-mfe-flag-value=true", undefined, "/vercel-mfe-flag-value=true"],
    ["/a?", undefined, "/a?"],
  ])("of %s is %s, and %s is passed on", (target, value, left) => {
    expect(flagValueOf(target)).toBe(value);
    expect(withoutFlagValue(target)).toBe(left);
  });
});

describe("the flags of a request", () => {
  const on = (target: string, flags?: Flags): boolean[] => {
    const lookup = flagsOf({ url: target } as IncomingMessage, flags);
    return ["known", "other", "toString"].map(lookup);
  };

  test("are off where nothing is said, and as the table says", () => {
    expect(on("/a")).toEqual([false, false, false]);
    expect(on("/a", { known: true, other: false })).toEqual([true, false, false]);
  });

  test("are as the function says, which gets the request", () => {
    const flags: Flags = (name, { url }) => name === "other" && url === "/a";
    expect(on("/a", flags)).toEqual([false, true, false]);
    expect(on("/b", flags)).toEqual([false, false, false]);
  });

  test("are all as the query says, before anything else", () => {
    expect(on("/a?vercel-mfe-flag-value=true")).toEqual([true, true, true]);
    expect(on("/a?vercel-mfe-flag-value=false", { known: true })).toEqual([false, false, false]);
  });
});
