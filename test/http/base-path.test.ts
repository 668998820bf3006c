// What is asked of a target with a base path: always something below it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { belowBase } from "../../src/http/engine/base-path.ts";

test.each([
  ["/a//b/%2F?x=//y&z=http://q/../", "/base/a//b/%2F?x=//y&z=http://q/../"],
  ["/a/../b?c", "/base/b?c"],
  ["/../../etc/passwd", "/base/etc/passwd"],
  ["/%2e%2E/b", "/base/b"],
  ["/a\\..\\b", "/base/a%5C..%5Cb"],
  ["/a.b/..c/", "/base/a.b/..c/"],
  ["*", "*"],
])("below /base, %j is %s", (target, path) => {
  expect(belowBase("/base", target)).toBe(path);
});

test("without a base path every target stays as it was sent", () => {
  for (const target of ["/a/../b", "//x", "/a\\b", "*"]) expect(belowBase("", target)).toBe(target);
});

test("nothing leaves the base path, as URL parsers read it", () => {
  const target = fc.stringMatching(/^\/[/\\.%2eE@:?a]{0,14}$/);
  fc.assert(
    fc.property(target, (asked) => {
      const { pathname } = new URL(`http://a.example${belowBase("/base", asked)}`);
      expect(pathname).toMatch(/^\/base(\/|$)/);
    }),
    { numRuns: 3000 },
  );
});
