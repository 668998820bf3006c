// Workers that do not end when they are asked to, and runners that end without asking: nothing is left of either.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { until, within } from "../fixtures/wait.ts";
import { block } from "./commands.ts";
import { endAfterTest, IS_UP, isAlive, openLog, openRunner, PLAIN, WORKER } from "./world.ts";

test("blocked, stopped and deaf workers are gone once they are closed, and what they started too", async () => {
  const runner = await openRunner();
  const start = { script: PLAIN, ready: IS_UP };
  const [blocked, stopped, deaf, parent] = await Promise.all([
    runner.start({ runtimeId: "blocked", script: WORKER }),
    runner.start({ ...start, runtimeId: "stopped" }),
    runner.start({ ...start, runtimeId: "deaf", args: ["ignore SIGTERM"] }),
    runner.start({ ...start, runtimeId: "parent", args: ["start a child"] }),
  ]);
  const childPid = Number(/child (\d+)/.exec(parent.output[0]?.text ?? "")?.[1]);
  endAfterTest(childPid);
  expect(isAlive(childPid)).toBe(true);
  blocked.send(block);
  stopped.kill("SIGSTOP");
  await runner.close({ graceMs: 150 });
  expect(await blocked.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await stopped.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await deaf.exited).toEqual({ code: null, signal: "SIGKILL" });
  expect(await parent.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(deaf.output.map(({ text }) => text)).toContain("ignored SIGTERM");
  const pids = [blocked, stopped, deaf, parent].map(({ pid }) => Number(pid));
  expect([...pids, childPid].filter(isAlive)).toEqual([]);
});

test("without any grace a worker is killed at once", async () => {
  // Longer than any test may take.
  const runner = await openRunner({ limits: { closeGraceMs: 60_000 } });
  const start = { script: PLAIN, args: ["ignore SIGTERM"], ready: IS_UP };
  const deaf = await runner.start({ ...start, runtimeId: "deaf" });
  await deaf.close({ graceMs: 0 });
  expect(await deaf.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("SIGTERM lets a worker run its onStop functions, and ends it as a signal does", async () => {
  const runner = await openRunner();
  const log = openLog();
  const users = await runner.start({
    runtimeId: "users",
    script: WORKER,
    env: { LOG_FILE: log.file },
  });
  users.kill("SIGTERM");
  expect(await users.exited).toEqual({ code: null, signal: "SIGTERM" });
  expect(log.read()).toEqual(["users stops", "given first, run last"]);
});

test("a runner that is killed leaves no process behind: none that is blocked or stopped, nor what one started", async () => {
  const log = openLog();
  const script = fileURLToPath(new URL("workers/killed-runner.mjs", import.meta.url));
  const runner = spawn(process.execPath, [script], {
    env: { ...process.env, LOG_FILE: log.file },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void runner.kill("SIGKILL"));
  const [line] = (await within(
    once(createInterface({ input: runner.stdout }), "line"),
    "the runner to be ready",
  )) as [string];
  const named = JSON.parse(line) as number[];
  expect(named).toHaveLength(5);
  // The warden is a child of the runner too.
  const pids = [...new Set([...named, ...childrenOf(Number(runner.pid))])];
  pids.forEach(endAfterTest);
  expect(pids.filter((pid) => !isAlive(pid))).toEqual([]);
  runner.kill("SIGKILL");
  await until(() => !pids.some(isAlive), "its workers to be gone");
  // The one that could still notice had the time to stop in order.
  expect(log.read()).toEqual(["well stops", "given first, run last"]);
});

/** Where the system tells: Linux. */
function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, "utf8").trim().split(" ").map(Number) : [];
}
