// The fixture for test frameworks, in Vitest's own hands. The tests of the example file are among these: several at
// once, and the process of an application.

import { readdirSync, readFileSync } from "node:fs";
import { http, HttpResponse, type RemoteContext, setupRemoteServer } from "crosswire/cpri";
import { remoteContextFixture } from "crosswire/testkit";
import { afterAll, expect, expectTypeOf, test as base } from "vitest";
import { textAt, world } from "../cpri/world.ts";
import { rejection } from "../fixtures/wait.ts";
import "../../examples/cpri/vitest-fixture.ts";

const { name, app } = world();
const handlers = [http.get("*/everybody", () => HttpResponse.text("of the receiver"))];
const remote = setupRemoteServer(...handlers, { name, onUnhandledRequest: "bypass" });
afterAll(() => remote.close());

const test = base.extend({ network: remoteContextFixture(remote) });
const seen: RemoteContext[] = [];

test("a test that adds no handlers is answered by those of the receiver, which is started", async ({
  network,
}) => {
  expectTypeOf(network).toEqualTypeOf<RemoteContext>();
  app();
  expect(await textAt("/everybody")).toBe("of the receiver");
});

test.for([1, 2])("each test has a context of its own (%i)", (_nth, { network }) => {
  expect(network.listHandlers()).toEqual([]);
  expect(seen.map(({ id }) => id)).not.toContain(network.id);
  seen.push(network);
});

base("a context is ended when its test is over", async () => {
  expect(seen).toHaveLength(2);
  for (const context of seen) {
    expect(await rejection(context.use())).toMatchObject({ code: "XW_CLOSED" });
  }
});

base("a context is ended although its test fails", async () => {
  let failed: RemoteContext | undefined;
  const failing = remoteContextFixture(remote)({}, (context) => {
    failed = context;
    throw new Error("the test failed");
  });
  expect(await rejection(failing)).toEqual(new Error("the test failed"));
  expect(await rejection(failed!.use())).toMatchObject({ code: "XW_CLOSED" });
});

base("crosswire/testkit loads nothing of crosswire/cpri", () => {
  const folder = new URL("../../src/testkit/", import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const importing = files.filter(
    (file) =>
      file.endsWith(".ts") &&
      /^(?:import|export) (?!type)[^;]*"(?:\.\.\/)+cpri\//m.test(
        readFileSync(new URL(file, folder), "utf8"),
      ),
  );
  expect(importing).toEqual([]);
});
