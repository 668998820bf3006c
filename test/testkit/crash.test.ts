// Workers that end without having been asked to: everybody who deals with them hears why.

import type { CrosswireError } from "crosswire";
import type { RunningWorker, WorkerDetail } from "crosswire/testkit";
import { expect, test } from "vitest";
import { Readiness } from "../../src/testkit/readiness.ts";
import { rejection, until, within } from "../fixtures/wait.ts";
import { count, environment, exit, hang } from "./commands.ts";
import { endAfterTest, IS_UP, isAlive, openRunner, PLAIN, WORKER } from "./world.ts";

test("a program that ends before it is ready fails its start with exit code and last words", async () => {
  const runner = await openRunner();
  const crashes: CrosswireError[] = [];
  runner.onCrash((error) => crashes.push(error));
  const start = { runtimeId: "users", script: PLAIN, ready: IS_UP };
  const error = await rejection(runner.start({ ...start, args: ["complain", "exit"] }));
  expect(error).toMatchObject({
    code: "XW_WORKER",
    message:
      'Worker "users" did not become ready: it ended by itself, with exit code 3. Its last lines on stderr:\n    the database is down',
    peer: 'worker "users"',
    detail: {
      runtimeId: "users",
      exitCode: 3,
      signal: null,
      stderr: ["the database is down"],
    } satisfies WorkerDetail,
  });
  expect(crashes.map(({ message }) => message)).toEqual([
    'Worker "users" ended by itself, with exit code 3. Its last lines on stderr:\n    the database is down',
  ]);
});

test("a start says what its script threw, and that there is no such folder", async () => {
  const runner = await openRunner();
  const start = { script: PLAIN, ready: IS_UP };
  const [thrown, unstarted] = await Promise.all([
    rejection(runner.start({ ...start, runtimeId: "a", args: ["throw"] })),
    rejection(runner.start({ ...start, runtimeId: "b", cwd: "/no/such/folder" })),
  ]);
  expect((thrown as Error).message).toMatch(/exit code 1[^]*Error: no database[^]*plain\.cjs/);
  expect((unstarted as Error).message).toMatch(/"b" did not become ready: it could not be started/);
});

test("a worker that takes too long to become ready is killed, and told what it has not done", async () => {
  const runner = await openRunner();
  const crashes: unknown[] = [];
  runner.onCrash((error) => crashes.push(error));
  const late = async (runtimeId: string, ready?: RegExp): Promise<string> => {
    const pattern = ready === undefined ? {} : { ready };
    const starting = runner.start({ runtimeId, script: PLAIN, readyTimeoutMs: 1, ...pattern });
    const pid = Number(runner.workers.get(runtimeId)?.pid);
    const error = (await rejection(starting)) as CrosswireError;
    expect(error.code).toBe("XW_WORKER");
    expect(isAlive(pid)).toBe(false);
    return error.message;
  };
  const [silent, other] = await Promise.all([late("silent"), late("other", /never/)]);
  expect(silent).toMatch(/did not become ready in 1 ms: it has not connected.*runWorker\(\)/);
  expect(other).toMatch(/no line of its output matched \/never\/\. It was killed/);
  // It was this runner that ended them.
  expect(crashes).toEqual([]);
});

test("a set-up that throws fails the start with what it threw", async () => {
  const runner = await openRunner();
  const start = { runtimeId: "users", script: WORKER, env: { SET_UP: "throws" } };
  const error = (await rejection(runner.start(start))) as Error;
  expect(error.message).toMatch(/exit code 1[^]*Error: set-up went wrong/);
});

test("a worker that has connected is late for another reason than one that has not", async () => {
  const readiness = new Readiness(undefined);
  const never = new Promise(() => {});
  expect(await readiness.within(1, never)).toBe("late");
  expect(readiness.describe()).toContain("it has not connected");
  readiness.hasConnected = true;
  expect(readiness.describe()).toContain("the function given to runWorker() has not ended");
  readiness.reported();
  expect(await readiness.within(1, never)).toBe("ready");
  expect(await new Readiness(undefined).within(60_000, Promise.resolve())).toBe("ended");
});

test("calls that wait, calls that come later and onCrash all hear how a worker ended", async () => {
  const runner = await openRunner();
  const crashes: [string, unknown][] = [];
  runner.onCrash((error, worker) => crashes.push([error.message, worker]));
  const users = await runner.start({ runtimeId: "users", script: WORKER });
  const stream = users.openStream(count, 1);
  expect(await stream.next()).toEqual({ done: false, value: 1 });
  const waiting = [
    users.request(hang, undefined, 60_000),
    stream.next(),
    users.request(exit, 7),
  ].map(rejection);
  const ending =
    'worker "users": it ended by itself, with exit code 7. Its last lines on stderr:\n    out of paper';
  const paths = ["test/hang", "test/count", "test/exit"];
  for (const [nth, error] of (await Promise.all(waiting)).entries()) {
    expect(error).toMatchObject({
      code: "XW_WORKER",
      message: `"${paths[nth]}" got no answer from ${ending}`,
      path: paths[nth],
      detail: { exitCode: 7, signal: null, stderr: ["out of paper"] },
      cause: { code: "XW_CONNECTION_LOST" },
    });
  }
  expect(await waiting[0]).toMatchObject({ maybeDelivered: true });
  expect(await rejection(users.request(environment))).toMatchObject({
    code: "XW_WORKER",
    message: `"test/environment" was not sent to ${ending}`,
    maybeDelivered: false,
  });
  expect(() => users.send("test/block" as never)).toThrow(/was not sent to worker "users"/);
  expect(await rejection(users.openStream(count, 1).next())).toMatchObject({ code: "XW_WORKER" });
  expect(await users.exited).toEqual({ code: 7, signal: null });
  expect(crashes).toEqual([
    [
      'Worker "users" ended by itself, with exit code 7. Its last lines on stderr:\n    out of paper',
      users,
    ],
  ]);
  // Closing what is gone is nothing, and changes nothing.
  await users.close();
  expect(await rejection(users.request(environment))).toMatchObject({ code: "XW_WORKER" });
});

test("a listener that hears of a crash can start the worker again", async () => {
  const runner = await openRunner();
  const web = { runtimeId: "web", script: PLAIN, ready: IS_UP };
  const restarted = new Promise<RunningWorker>((resolve) => {
    runner.onCrash(() => resolve(runner.start(web)));
  });
  const first = await runner.start(web);
  first.kill();
  const second = await within(restarted, "the worker to be started again");
  expect(runner.workers.get("web")).toBe(second);
});

test("a worker that is killed is told by its signal, and what it had started goes with it", async () => {
  const runner = await openRunner();
  const crashed = new Promise<CrosswireError>((resolve) => runner.onCrash(resolve));
  const parent = await runner.start({
    runtimeId: "parent",
    script: PLAIN,
    args: ["start a child"],
    ready: IS_UP,
  });
  const childPid = Number(/child (\d+)/.exec(parent.output[0]?.text ?? "")?.[1]);
  endAfterTest(childPid);
  expect(isAlive(childPid)).toBe(true);
  parent.kill();
  expect(await within(crashed, "the crash to be told")).toMatchObject({
    message: 'Worker "parent" was killed by SIGKILL. It wrote nothing to stderr.',
    detail: { exitCode: null, signal: "SIGKILL", stderr: [] },
  });
  await until(() => !isAlive(childPid), "its child to be gone");
});
