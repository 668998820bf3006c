// The fixture for test frameworks, in the example that the guide shows and by itself.

import { type Runner, runnerFixture } from "crosswire/testkit";
import { expect, test as base } from "vitest";
import { rejection } from "../fixtures/wait.ts";
import { PLAIN } from "./world.ts";
// It registers a test: a worker in TypeScript, in a thread.
import "../../examples/testkit/vitest-fixture.ts";

const runners: Runner[] = [];
const test = base.extend<{ runner: Runner }>({ runner: runnerFixture({ output: "ignore" }) });

test.for([1, 2])("each test has a runner of its own (%i)", (_nth, { runner }) => {
  expect(runner.server.getPort()).toBeGreaterThan(0);
  expect(runners).not.toContain(runner);
  runners.push(runner);
});

base("a runner is closed when its test is over", async () => {
  expect(runners).toHaveLength(2);
  for (const runner of runners) {
    const start = runner.start({ runtimeId: "late", script: PLAIN });
    expect(await rejection(start)).toMatchObject({ code: "XW_CLOSED" });
  }
});

base("a runner is closed although its test fails", async () => {
  let failed: Runner | undefined;
  const failing = runnerFixture()({}, (runner) => {
    failed = runner;
    throw new Error("the test failed");
  });
  expect(await rejection(failing)).toEqual(new Error("the test failed"));
  const start = failed!.start({ runtimeId: "late", script: PLAIN });
  expect(await rejection(start)).toMatchObject({ code: "XW_CLOSED" });
});
