// The table of paths by itself: what many additions and removals cost, and that they leave nothing behind.

import { expect, test } from "vitest";
import { RouteTable } from "../../src/http/intercept/route-table.ts";

test("a thousand paths can be added and removed in any order", () => {
  const table = new RouteTable<number>();
  const paths = Array.from({ length: 1_000 }, (_, n) => `/api/${n % 10}/:id/${n}`);
  for (const [n, path] of paths.entries()) table.set(path, n);
  expect(table.find("/api/7/x/997")).toEqual({ value: 997, params: { id: "x" } });
  for (const [n, path] of paths.entries()) if (n % 3 !== 0) expect(table.delete(path)).toBe(true);
  for (const [n] of paths.entries()) {
    const found = table.find(`/api/${n % 10}/x/${n}`);
    expect(found).toEqual(n % 3 === 0 ? { value: n, params: { id: "x" } } : undefined);
  }
});

test("ten thousand additions and removals of new paths take no longer each than the first", () => {
  const table = new RouteTable<number>();
  const begun = performance.now();
  for (let n = 0; n < 10_000; n++) {
    table.set(`/once/${n}`, n);
    expect(table.delete(`/once/${n}`)).toBe(true);
  }
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(table.find("/once/9999")).toBe(undefined);
});

test("a path that was removed does not stand in the way of one that means the same", () => {
  const table = new RouteTable<string>();
  table.set("/:a", "a");
  expect(() => table.set("/:b", "b")).toThrow(TypeError);
  table.delete("/:a");
  table.set("/:b", "b");
  expect(table.find("/x")).toEqual({ value: "b", params: { b: "x" } });
});

test("a path that could be registered only in part is not registered at all", () => {
  const table = new RouteTable<string>();
  table.set("/posts", "all");
  expect(() => table.set("/posts/:id?", "one")).toThrow(TypeError);
  expect(table.find("/posts/1")).toBe(undefined);
  expect(table.find("/posts")).toEqual({ value: "all", params: {} });
});
