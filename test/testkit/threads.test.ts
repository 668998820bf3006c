// Workers that are threads of the runner's own process: the same, but for what only a process has.

import { expect, test } from "vitest";
import { rejection, within } from "../fixtures/wait.ts";
import { block, environment, exit, fail, hang } from "./commands.ts";
import { openRunner, WORKER } from "./world.ts";

test("a thread is started, commanded and closed like a process", async () => {
  const runner = await openRunner();
  const thread = await runner.start({
    runtimeId: "users",
    script: WORKER,
    kind: "thread",
    args: ["--port"],
    env: { GREETING: "hello" },
  });
  expect(thread.pid).toBeUndefined();
  expect(thread.keys).toEqual(["db", "http"]);
  expect(await thread.request(environment)).toEqual({
    args: ["--port"],
    greeting: "hello",
    hasRuntimeId: false,
    pid: process.pid,
  });
  expect(process.env["CROSSWIRE_RUNTIME_ID"]).toBeUndefined();
  await thread.close();
  expect(await thread.exited).toEqual({ code: 0, signal: null });
});

test("what ends a thread is told: an exception, an exit code, a kill", async () => {
  const runner = await openRunner();
  const start = { runtimeId: "users", script: WORKER, kind: "thread" } as const;
  const throwing = await runner.start(start);
  const waiting = rejection(throwing.request(hang, undefined, 60_000));
  throwing.send(fail, "thrown at nobody");
  expect(((await waiting) as Error).message).toMatch(/exit code 1[^]*Error: thrown at nobody/);

  const exiting = await runner.start(start);
  expect(((await rejection(exiting.request(exit, 7))) as Error).message).toMatch(
    /exit code 7[^]*out of paper/,
  );

  const blocked = await runner.start(start);
  blocked.send(block);
  await within(blocked.close({ graceMs: 50 }), "a blocked thread to be closed");
  expect(await blocked.exited).toEqual({ code: null, signal: "SIGTERM" });
});
