// Turborepo's own cases as data: the same answers, and where it silently does something else, a better one.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { isCrosswireError } from "../../src/errors.ts";
import { belowBase } from "../../src/http/engine/base-path.ts";
import { parseTarget } from "../../src/http/engine/target.ts";
import { parseFallback, parseLocalHost } from "../../src/http/microfrontends/hosts.ts";
import { parsePattern } from "../../src/http/microfrontends/path-pattern.ts";
import { generatedPort } from "../../src/http/microfrontends/ports.ts";
import { parse, problemsOf, routed } from "./config-text.ts";

interface CaseApp {
  readonly port: number;
  readonly paths?: readonly string[];
}

interface Cases {
  readonly patterns: readonly { p: string; yes: readonly string[]; no: readonly string[] }[];
  readonly patternErrors: readonly string[];
  readonly router: readonly {
    apps: Readonly<Record<string, CaseApp>>;
    expect: Readonly<Record<string, string>>;
  }[];
  readonly configErrors: readonly string[];
  readonly ports: Readonly<Record<"allowed" | "blocked" | "outOfRange", readonly number[]>>;
  readonly generatedPort: Readonly<Record<string, unknown>>;
  readonly hostParse: Readonly<Record<string, number | null>>;
  readonly fallbackUrl: readonly (readonly [string, string, string])[];
  readonly fallbackReject: readonly (readonly [string, string])[];
}

const cases = JSON.parse(
  readFileSync(new URL("../fixtures/cases/microfrontends-turborepo.json", import.meta.url), "utf8"),
) as Cases;

describe("a pattern matches", () => {
  test.each(cases.patterns)("what Turborepo says for $p", ({ p, yes, no }) => {
    const { router } = routed({ other: [p] });
    const isMatch = (target: string): boolean => router.match(target).by === "route";
    expect([yes.map(isMatch), no.map(isMatch)]).toEqual([yes.map(() => true), no.map(() => false)]);
  });

  test.each(cases.patternErrors)("and %j is refused", (pattern) => {
    expect(() => parsePattern(pattern)).toThrow(
      expect.objectContaining({ code: "XW_CONFIG" }) as Error,
    );
  });
});

describe("a router", () => {
  test.each(cases.router.map((row) => ({ ...row, names: Object.keys(row.apps).join(", ") })))(
    "of $names sends each path where Turborepo sends it",
    ({ apps, expect: expected }) => {
      const applications = Object.entries(apps).map(([name, { port, paths }]) => [
        name,
        { development: { local: port }, ...(paths === undefined ? {} : { routing: [{ paths }] }) },
      ]);
      const { router } = parse({ applications: Object.fromEntries(applications) as unknown });
      for (const [target, name] of Object.entries(expected)) {
        const { app } = router.match(target);
        expect([target, app.name, app.local.port]).toEqual([target, name, apps[name]?.port]);
      }
    },
  );
});

describe("a configuration is refused with line and column", () => {
  const refused: Readonly<Record<string, { text: string; problem: string }>> = {
    "no app without routing -> error 'No default application found'": {
      text: '{"applications": {"a": {"routing": []}, "b": {"routing": []}}}',
      problem: '1:2: No default application found: each has "routing"; remove that of the one',
    },
    "unclosed JSON": {
      text: '{"applications": {"web": {}',
      problem: '1:28: the file ends inside what was opened at 1:18; close it with "}"',
    },
    "routing not an array": {
      text: '{"applications": {"web": {}, "docs": {"routing": "/docs"}}}',
      problem: '1:50: "routing" of the application "docs" is "/docs"; write an array, [ … ]',
    },
    "paths not an array": {
      text: '{"applications": {"web": {}, "docs": {"routing": [{"paths": "/docs"}]}}}',
      problem:
        '1:61: "paths" of a routing group of the application "docs" is "/docs"; write an array, [ … ]',
    },
  };

  test.each(cases.configErrors.filter((name) => name !== "trailing comma"))("%s", (name) => {
    const { text, problem } = refused[name]!;
    expect(problemsOf(text)).toEqual([expect.stringContaining(`microfrontends.json:${problem}`)]);
  });

  test("but not for a trailing comma, which only one of Turborepo's two parsers takes", () => {
    expect(cases.configErrors).toContain("trailing comma");
    const { apps } = parse('{"applications": {"web": {"development": {"local": 3000,},},},}');
    expect(apps[0]?.local.port).toBe(3000);
  });
});

describe("a port that the file names", () => {
  const isTaken = (port: number): boolean =>
    problemsOf({ applications: { web: { development: { local: port } } } }).length === 0;

  test.each([...cases.ports.allowed, ...cases.ports.blocked])("%d is taken as it is", (port) => {
    expect(isTaken(port)).toBe(true);
  });

  test.each(cases.ports.outOfRange)("%d is taken unless it is no port", (port) => {
    expect(isTaken(port)).toBe(port !== 0);
  });
});

describe("a port made from a name", () => {
  test("is the one that both other products make", () => {
    expect(generatedPort("test-450")).toBe(cases.generatedPort["test-450"]);
    expect(parse({ applications: { "test-450": {} } }).apps[0]?.local.port).toBe(7724);
  });

  test("is in their range, and always the same", () => {
    expect(cases.generatedPort["range"]).toBe("3000<=p<8000");
    for (const name of ["a", "web", "docs", "my-very-long-application-name", "ünïcode", "😀"]) {
      expect(generatedPort(name)).toBeGreaterThanOrEqual(3000);
      expect(generatedPort(name)).toBeLessThan(8000);
      expect(generatedPort(name)).toBe(generatedPort(name));
    }
  });

  test("is never one that Turborepo blocks, nor the proxy's, though its own function makes them", () => {
    const blocked = [3306, 5432, 6379, 3024];
    for (const port of blocked) {
      const name = nameThatMakes(port);
      expect(generatedPort(name)).toBe(port);
      const { apps, warnings } = parse({ applications: { [name]: {} } });
      expect(apps[0]?.local.port).toBe(port + 1);
      expect(warnings).toEqual([
        expect.stringContaining(
          `the port made from the name "${name}" is ${port}, which something else has; it gets ${port + 1}`,
        ),
      ]);
    }
  });
});

test.each(Object.entries(cases.hostParse))("the port of %j is %j", (text, port) => {
  expect(parseLocalHost(text).port ?? null).toBe(port);
});

function fallbackUrlFor(fallback: string, target: string): string {
  const { url, basePath } = parseTarget(parseFallback(fallback));
  return new URL(url).origin + belowBase(basePath, target === "" ? "/" : target);
}

describe("a fallback address", () => {
  const climbing = "/../../../etc/passwd";
  const rows = cases.fallbackUrl.filter(([, target]) => target !== climbing);

  test.each(rows)("%s with the path %j is %s", (fallback, target, url) => {
    expect(fallbackUrlFor(fallback, target)).toBe(url);
  });

  test("is not left by a path that climbs, where Turborepo leaves the base path", () => {
    const [fallback, target, theirs] = cases.fallbackUrl.find((row) => row[1] === climbing)!;
    expect(theirs).toBe("https://example.com/etc/passwd");
    expect(fallbackUrlFor(fallback, target)).toBe("https://example.com/app/api/etc/passwd");
  });

  // A target with an authority of its own is refused before by the gate.
  const paths = cases.fallbackReject.filter(([, target]) => target.startsWith("/"));

  test.each(paths)("%s stays the host that is asked for %s", (fallback, target) => {
    expect(new URL(fallbackUrlFor(fallback, target)).host).toBe(fallback);
  });
});

describe("where Turborepo silently routes something else", () => {
  test("parameters with +, ?, alternatives, text before and behind mean what production means by them (T5)", () => {
    const { router } = routed({
      plus: ["/plus/:path+"],
      maybe: ["/maybe/:slug?"],
      either: ["/either/:x(a|b)"],
      before: ["/pre-:x"],
      behind: ["/x.:ext"],
    });
    const targets = ["/plus/a/b", "/plus", "/maybe", "/either/a", "/either/c", "/pre-1", "/x.js"];
    expect(targets.map((target) => router.match(target).app.name)).toEqual([
      "plus",
      "web",
      "maybe",
      "either",
      "web",
      "before",
      "behind",
    ]);
  });

  test.each(["/:path*/x", "/api/*"])("%s is refused at load (T5, T7)", (pattern) => {
    const attempt = (): unknown => routed({ api: [pattern] });
    expect(attempt).toThrow(expect.objectContaining({ code: "XW_CONFIG" }) as Error);
    expect(isCrosswireError(new Error())).toBe(false);
  });

  test("protocol and host of development.local count, not its port alone (T6)", () => {
    const local = "https://my.localhost.me:8080";
    const { apps } = parse({ applications: { web: { development: { local } } } });
    expect(apps[0]?.local).toEqual({ protocol: "https", host: "my.localhost.me", port: 8080 });
  });

  test("the same path in two applications is refused, where the last one wins there", () => {
    expect(() => routed({ a: ["/x"], b: ["/x"] })).toThrow('"/x" of "b" and "/x" of "a" on line');
  });
});

/** Some short name whose port is this one. */
function nameThatMakes(port: number): string {
  for (let i = 0; ; i++) {
    const name = `app-${i}`;
    if (generatedPort(name) === port) return name;
  }
}
