// The fixture for test frameworks, in Vitest's own hands; the tests of the example file are among these.

import { connect } from "node:net";
import { afterAll, expect, expectTypeOf, test as base } from "vitest";
import { type ChaosProxy, chaosProxyFixture } from "crosswire/testkit";
import { until } from "../fixtures/wait.ts";
import "../../examples/bad-network/vitest-fixture.ts";

const seen: ChaosProxy[] = [];
const test = base.extend({ network: chaosProxyFixture(1, { latencyMs: 5, seed: 3 }) });

test("each test gets a proxy with the options", ({ network }) => {
  expectTypeOf(network).toEqualTypeOf<ChaosProxy>();
  expect(network.faults).toEqual({ latencyMs: 5 });
  expect(network.seed).toBe(3);
  seen.push(network);
});

test("the next test gets another one, with the faults of the start", ({ network }) => {
  expect(seen).toHaveLength(1);
  expect(network).not.toBe(seen[0]);
  expect(network.faults).toEqual({ latencyMs: 5 });
  seen.push(network);
});

test("the function is one that Playwright takes too: its first parameter is an object pattern", () => {
  expect(String(chaosProxyFixture(1))).toMatch(/^async \(\{\s*\}, use\) =>/);
});

afterAll(async () => {
  expect(seen).toHaveLength(2);
  for (const { host, port } of seen) {
    const [error] = await until(connect(port, host), "error");
    expect(error).toMatchObject({ code: "ECONNREFUSED" });
  }
});
