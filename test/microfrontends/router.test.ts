// Who gets a request: the most specific route, flags, asset prefixes, unprefixed development paths; and the explanation.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refererPathOf } from "../../src/http/microfrontends/asset-paths.ts";
import { renderExplanation } from "../../src/http/microfrontends/explanation.ts";
import type { Router } from "../../src/http/microfrontends/router.ts";
import { SEED } from "../fixtures/seed.ts";
import { type Paths, parse, problemsOf, routed } from "./config-text.ts";

fc.configureGlobal({ seed: SEED });

function appOf(router: Router, target: string, refererPath?: string): string {
  return router.match(target, { refererPath }).app.name;
}

describe("the most specific route wins, whatever the order of the file", () => {
  test.each([
    ["/docs/new", "/docs/:slug", "/docs/new"],
    ["/docs/:slug", "/docs/:path*", "/docs/a"],
    ["/docs", "/docs/:path*", "/docs"],
    ["/docs/:path+", "/docs/:path*", "/docs/a"],
    ["/docs/:slug?", "/docs/:path*", "/docs"],
    ["/a/:y", "/:x/b", "/a/b"],
    ["/:x(a|b)", "/:x", "/a"],
    ["/:x(a|b)", "/:x(a|b|c)", "/a"],
    ["/:x(a-1|b)", "/a-:x", "/a-1"],
    ["/a-:x", "/:x", "/a-1"],
    ["/a-b-:x", "/a-:x", "/a-b-c"],
    ["/a-:x.js", "/a-:x", "/a-b.js"],
    ["/a-:x", "/:x((?!b).*)", "/a-1"],
    ["/:x((?!b).*)", "/:path*", "/a/c"],
    ["/app", "/app/:x((?!b).*)", "/app/"],
    ["/app/:x((?!b).*)/bar", "/app/:x((?!b).*)", "/app/x/bar"],
    ["/:x(a|b)+", "/:path+", "/a/b"],
  ])("%s before %s", (strong, weak, target) => {
    const orders: Paths[] = [
      { strong: [strong], weak: [weak] },
      { weak: [weak], strong: [strong] },
    ];
    for (const paths of orders) {
      const { router, warnings } = routed(paths);
      expect(router.match(target)).toMatchObject({
        app: { name: "strong" },
        rule: { pattern: strong },
      });
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`${JSON.stringify(strong)} of "strong" wins them`);
    }
  });

  /** Turborepo's search: exact, then parameter, then wildcard, and back when that leads nowhere. */
  function search(
    patterns: readonly string[][],
    segments: readonly string[],
    at = 0,
  ): string[] | undefined {
    const [segment] = segments;
    const here = (accept: (step: string | undefined) => boolean): string[][] =>
      patterns.filter((steps) => accept(steps[at]));
    if (segment === undefined) {
      return here((step) => step === undefined)[0] ?? here((step) => step === ":path*")[0];
    }
    const rest = segments.slice(1);
    const exact = here((step) => step === segment);
    const param = here((step) => step === ":x");
    return (
      (exact.length > 0 ? search(exact, rest, at + 1) : undefined) ??
      (param.length > 0 ? search(param, rest, at + 1) : undefined) ??
      here((step) => step === ":path*")[0]
    );
  }

  const step = fc.constantFrom("a", "b", "c", ":x");
  const steps = fc
    .tuple(fc.array(step, { maxLength: 4 }), fc.boolean())
    .map(([made, isOpen]) => (isOpen ? [...made, ":path*"] : made));
  const segments = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 6 });

  test("as in a trie with backtracking", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(steps, { minLength: 1, maxLength: 12, selector: String }),
        fc.array(segments, { minLength: 5, maxLength: 20 }),
        (patterns, paths) => {
          const texts = patterns.map((made) => `/${made.join("/")}`);
          const { router } = routed(
            Object.fromEntries(texts.map((text, i) => [`app${i}`, [text]])),
          );
          for (const path of paths) {
            const expected = search(patterns, path);
            const pattern = expected && `/${expected.join("/")}`;
            expect(router.match(`/${path.join("/")}`).rule?.pattern).toBe(pattern);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("what nothing decides is refused", () => {
  test.each([
    ["the same path", "/docs", "/docs/"],
    ["the same path with another parameter", "/:a/x", "/:b/x"],
    ["the same alternatives in another order", "/:a(x|y)", "/(y|x)"],
    ["an optional segment that is listed elsewhere", "/docs/:slug?", "/docs"],
  ])("%s", (_, first, second) => {
    const [problem, ...others] = problemsOf({
      applications: {
        web: {},
        one: { routing: [{ paths: [first] }] },
        two: { routing: [{ paths: [second] }] },
      },
    });
    expect(others).toEqual([]);
    expect(problem).toBe(
      `microfrontends.json:17:13: ${JSON.stringify(second)} of "two" and ${JSON.stringify(first)} of "one" ` +
        "on line 8 claim the same paths; remove one",
    );
  });

  test.each([
    ["/:a(x|y)", "/:b(y|z)"],
    ["/:a((?!x).*)/z", "/:b((?!y).*)/z"],
  ])("%s beside %s", (first, second) => {
    const config = {
      web: {},
      one: { routing: [{ paths: [first] }] },
      two: { routing: [{ paths: [second] }] },
    };
    expect(problemsOf({ applications: config })).toEqual([
      expect.stringMatching(
        /claim some of the same paths, and neither is more specific; change one$/,
      ),
    ]);
  });

  test("but the same path twice in one application is a warning, and with another flag not even that", () => {
    const one = { routing: [{ paths: ["/a", "/a/"] }, { paths: ["/a"], flag: "f" }] };
    const { warnings, router } = parse({ applications: { web: {}, one } });
    expect(warnings).toEqual([
      'microfrontends.json:9:13: "/a/" of "one" is listed already on line 8; remove one',
    ]);
    expect(appOf(router, "/a")).toBe("one");
  });

  test("and paths that never meet give no warning", () => {
    const { warnings } = routed({
      one: [
        "/foo",
        "/x/:a(b|c)",
        "/assets/:p((?!badge-).*)/:q*",
        "/pre-:x",
        "/v.:ext",
        "/:p((?!x|f|a|p|v|w).*)/foobar",
      ],
      two: [
        "/foo/:path+",
        "/x/:a(d|e)",
        "/assets/badge-:year.svg",
        "/post-:x",
        "/w.:ext",
        "/:p((?!x|f|a|p|v|w).*)/foo",
      ],
    });
    expect(warnings).toEqual([]);
  });
});

describe("a route with a flag", () => {
  const config = {
    applications: {
      web: {},
      old: { routing: [{ paths: ["/shop/:path*"] }] },
      new: { routing: [{ group: "shop", flag: "new-shop", paths: ["/shop/cart"] }] },
    },
  };

  test("counts while its flag is on, and leaves the path to the next best while it is off", () => {
    const { router } = parse(config);
    expect(router.match("/shop/cart", { flags: (flag) => flag === "new-shop" })).toMatchObject({
      app: { name: "new" },
      rule: { flag: "new-shop", group: "shop", line: 19, column: 13 },
    });
    expect(router.match("/shop/cart", { flags: () => false }).app.name).toBe("old");
    expect(router.match("/shop/cart").app.name).toBe("old");
  });

  test("asks for no flag that the path has nothing to do with", () => {
    const asked: string[] = [];
    const flags = (flag: string): boolean => asked.push(flag) > 0;
    parse(config).router.match("/shop/other", { flags });
    expect(asked).toEqual([]);
  });
});

describe("asset prefixes", () => {
  const { router } = parse({
    applications: {
      web: {},
      docs: { routing: [{ paths: ["/docs/:path*"] }] },
      dashboard: { assetPrefix: "dash", routing: [{ paths: ["/dashboard"] }] },
    },
  });

  // The hashes are those of @vercel/microfrontends' own tests.
  test.each([
    ["/vc-ap-docs/_next/static/a.js", "docs"],
    ["/vc-ap-e3e2a9/_next/static/a.js", "docs"],
    ["/vc-ap-dc7161", "dashboard"],
    ["/vc-ap-dashboard/_next/hmr?id=1", "dashboard"],
    ["/dash/x", "dashboard"],
    ["/dashx/x", "web"],
    ["/vc-ap-web/x", "web"],
    ["/vc-ap-/x", "web"],
    ["/vc-ap-e3e2a9x/x", "web"],
  ])("%s belongs to %s", (target, app) => {
    expect(appOf(router, target)).toBe(app);
  });

  test("that another application's path or prefix takes too are refused", () => {
    const problems = problemsOf({
      applications: {
        web: {},
        docs: { routing: [{ paths: ["/static/docs"] }] },
        shop: { assetPrefix: "static", routing: [] },
        blog: { assetPrefix: "blog", routing: [] },
        news: { assetPrefix: "blog", routing: [] },
      },
    });
    expect(problems).toEqual([
      'microfrontends.json:14:22: the asset prefix "static" of "shop" is claimed by "docs" on line 8 too; choose another',
      'microfrontends.json:18:22: the asset prefix "blog" of "blog" is claimed by "news" on line 22 too; choose another',
      'microfrontends.json:22:22: the asset prefix "blog" of "news" is claimed by "blog" on line 18 too; choose another',
    ]);
  });
});

describe("what pages ask for without a prefix", () => {
  const { router } = routed({ docs: ["/docs/:path*"], api: ["/_next/data/:path*"] });

  test.each([
    "/_next/static/chunk.js",
    "/_next/hmr?id=1",
    "/__nextjs_original-stack-frames",
    "/__nextjs_source-map?filename=x",
    "/@vite/client",
    "/@react-refresh",
    "/@fs/home/x.ts",
    "/@id/virtual:x",
    "/node_modules/.vite/deps/react.js?v=1",
    "/src/main.ts",
  ])("%s goes to the application of the page", (target) => {
    expect(appOf(router, target, "/docs/intro?x")).toBe("docs");
    expect(appOf(router, target, "/vc-ap-docs/x")).toBe("docs");
    expect(appOf(router, target, "/home")).toBe("web");
    expect(appOf(router, target)).toBe("web");
    expect(router.affinity(target, "/docs/intro")?.name).toBe("docs");
    expect(router.affinity(target, "/home")).toBeUndefined();
  });

  test("does not include what other paths happen to begin with, nor what a route claims", () => {
    expect(appOf(router, "/srcx/main.ts", "/docs")).toBe("web");
    expect(appOf(router, "/about", "/docs")).toBe("web");
    expect(appOf(router, "/_next/data/x.json", "/docs")).toBe("api");
    expect(router.affinity("/about", "/docs")).toBeUndefined();
  });

  test.each([
    ["http://localhost:3024/docs?a", "localhost:3024", "/docs?a"],
    ["https://LOCALHOST:3024", "localhost:3024", "/"],
    ["http://evil.example/docs", "localhost:3024", undefined],
    ["http://localhost:3024.evil.example/docs", "localhost:3024", undefined],
    ["/docs", "localhost:3024", undefined],
    [undefined, "localhost:3024", undefined],
  ])("believes a Referer of this origin only: %s at %s is %s", (referer, host, path) => {
    expect(refererPathOf(referer, host)).toBe(path);
  });

  test.each([
    ["/_next/image?url=%2Fdocs%2Fa.png&w=64", "docs"],
    ["/_next/image?w=64&url=/vc-ap-docs/a.png", "docs"],
    ["/_next/image?url=%2Fabout%2Fa.png", "web"],
    ["/_next/image?url=%2F%2Fdocs%2Fa.png", "web"],
    ["/_next/image?url=%2F%5Cdocs%2Fa.png", "web"],
    ["/_next/image?url=https%3A%2F%2Fevil.example%2Fdocs", "web"],
    ["/_next/image?url=docs", "web"],
    ["/_next/image?url=%", "web"],
    ["/_next/image", "web"],
    ["/_next/image/x?url=%2Fdocs", "web"],
  ])("%s goes where its picture is: %s", (target, app) => {
    expect(appOf(router, target)).toBe(app);
  });
});

describe("the explanation", () => {
  const { router, shownAs } = parse({
    applications: {
      web: {},
      docs: {
        development: { local: 4001 },
        routing: [{ paths: ["/docs/:path*", "/docs/api/:id/x"] }],
      },
      blog: { routing: [{ paths: ["/blog", "/:section/:page", "/:any((?!docs).*)"] }] },
      beta: { routing: [{ paths: ["/docs/api"], flag: "beta" }] },
    },
  });

  test("names the winner, and for each other rule where it failed or what came before it", () => {
    const explained = router.explain("//docs/api?x=1");
    expect(explained).toMatchObject({
      path: "/docs/api",
      app: { name: "docs" },
      by: "route",
      rule: { pattern: "/docs/:path*" },
    });
    expect(explained.losers.map(({ rule, why, segment }) => [rule.pattern, why, segment])).toEqual([
      ["/docs/api/:id/x", "no match", 3],
      ["/blog", "no match", 1],
      ["/:section/:page", "less specific", undefined],
      ["/:any((?!docs).*)", "no match", 1],
      ["/docs/api", "flag off", undefined],
    ]);
  });

  test("is text that a person can read", () => {
    expect(renderExplanation(router.explain("/docs/api"), shownAs)).toBe(
      [
        "/docs/api goes to docs (port 4001)",
        "  by /docs/:path*, microfrontends.json:11:13",
        "  - /docs/api/:id/x  (docs)       the path ends where segment 3 is due",
        '  - /blog  (blog)                 segment 1 is "docs", not "blog"',
        "  - /:section/:page  (blog)       matches too, but /docs/:path* comes before it",
        '  - /:any((?!docs).*)  (blog)     segment 1 is "docs", which it excludes',
        '  - /docs/api  (beta, flag beta)  its flag "beta" is off',
        "",
      ].join("\n"),
    );
  });

  test("knows all other reasons", () => {
    const told = (target: string, refererPath?: string): string | undefined =>
      renderExplanation(router.explain(target, { refererPath }), shownAs).split("\n")[1]?.trim();
    expect(told("/docs")).toBe("by /docs/:path*, microfrontends.json:11:13");
    expect(told("/vc-ap-docs/x")).toBe("by the asset prefix of docs");
    expect(told("/_next/image?url=/docs/x")).toBe(
      "by the path of the picture: /docs/:path*, microfrontends.json:11:13",
    );
    const { router: plain } = routed({ docs: ["/docs"] });
    expect(plain.explain("/about")).toMatchObject({ by: "default", app: { name: "web" } });
    expect(plain.explain("/docs/x").losers[0]?.text).toBe(
      'segment 2 is "x", where the path is to end',
    );
    expect(plain.explain("/src/x.ts", { refererPath: "/docs" })).toMatchObject({ by: "referer" });
    expect(renderExplanation(plain.explain("/about"), shownAs)).toContain(
      "by default: no route takes it",
    );
  });

  test("never contradicts the match", () => {
    const any = fc.oneof(
      fc.webPath(),
      fc.stringMatching(/^\/(docs|blog|api|\.\.|\/|[ab%2]){0,6}$/),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(any, fc.boolean(), (target, isOn) => {
        const options = { flags: () => isOn };
        const { app, rule } = router.match(target, options);
        const explained = router.explain(target, options);
        expect([explained.app, explained.rule]).toEqual([app, rule]);
        const possible = explained.losers.filter(({ why }) => why === "less specific");
        if (rule === undefined) expect(possible).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

test("a thousand routes are matched as fast as ten", () => {
  const shapes = ["/app-#/:path*", "/x-#-:id/y", "/(left-#|right-#)/z", "/api/v#/:id", "/api/v#"];
  const many = (count: number): Router => {
    const paths = Array.from({ length: count }, (_, i) =>
      String(shapes[i % shapes.length]).replaceAll("#", String(Math.floor(i / shapes.length))),
    );
    return routed({ other: paths }).router;
  };
  const targets = ["/app-1/a/b", "/x-1-abc/y", "/right-1/z", "/api/v1/7", "/nowhere/at/all", "/"];
  const time = (router: Router): number => {
    const startedAt = performance.now();
    for (let i = 0; i < 5_000; i++) for (const target of targets) router.match(target);
    return performance.now() - startedAt;
  };
  const [few, lots] = [many(10), many(1_000)];
  const rounds = Array.from({ length: 7 }, () => [time(few), time(lots)] as const);
  const fastest = (which: 0 | 1): number => Math.min(...rounds.map((round) => round[which]));
  // A search through the list would take a hundred times as long.
  expect(fastest(1)).toBeLessThan(3 * fastest(0));
  expect(appOf(lots, "/x-150-abc/y")).toBe("other");
});

test("a thousand routes behind a parameter are compared in less time than a person notices", () => {
  const paths = Array.from({ length: 1_000 }, (_, i) => [`app${i}`, [`/:lang/app${i}/:path*`]]);
  const startedAt = performance.now();
  const { warnings } = routed({ ...Object.fromEntries(paths), catchall: ["/:path+"] } as Paths);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect(warnings.filter((warning) => warning.includes("wins them"))).toHaveLength(1_000);
});
