// A runner and its workers, as long as all goes well: started, ready, commanded, closed.

import { IPCClient } from "crosswire";
import { createRunner, runWorker } from "crosswire/testkit";
import { expect, expectTypeOf, onTestFinished, test, vi } from "vitest";
import { loaderArguments, needsLoader } from "../../src/testkit/typescript-loader.ts";
import { rejection, until } from "../fixtures/wait.ts";
import { answer, askBack, count, environment, failing, hang } from "./commands.ts";
import { IS_UP, isAlive, openLog, openRunner, PLAIN, WORKER } from "./world.ts";

test("a worker is ready when its set-up is done, answers what it is asked, and ends when it is closed", async () => {
  const runner = await openRunner({ env: { GREETING: "hello", HOME: undefined } });
  const log = openLog();
  runner.server.onFrameworkMessage(answer, (text) => `${text}!`);
  const users = await runner.start({
    runtimeId: "users",
    script: WORKER,
    args: ["--port", "0"],
    env: { LOG_FILE: log.file },
  });
  expect(users.keys).toEqual(["db", "http"]);
  expect([...runner.workers]).toEqual([["users", users]]);
  const seen = await users.request(environment, undefined, 5_000);
  expectTypeOf(seen.args).toEqualTypeOf<readonly string[]>();
  expect(seen).toEqual({
    args: ["--port", "0"],
    greeting: "hello",
    // So what a worker starts itself cannot pass for it.
    hasRuntimeId: false,
    pid: users.pid,
  });
  expect(await users.request(askBack, "here")).toBe("here!");
  const numbers: number[] = [];
  for await (const number of users.openStream(count, 1_000_000)) {
    numbers.push(number);
    if (number === 3) break;
  }
  expect(numbers).toEqual([1, 2, 3]);
  expect(await rejection(users.request(failing))).toMatchObject({
    code: "XW_REMOTE",
    detail: { name: "Error", stack: expect.stringContaining("worker.mjs") as string },
  });

  const inFlight = rejection(users.request(hang, undefined, 60_000));
  const [first, second] = [users.close(), users.close()];
  expect(second).toBe(first);
  expect(await rejection(users.request(environment))).toMatchObject({ code: "XW_CLOSED" });
  await first;
  expect(await inFlight).toMatchObject({ code: "XW_CLOSED" });
  expect(await users.exited).toEqual({ code: 0, signal: null });
  expect(log.read()).toEqual(["users stops", "given first, run last"]);
  expect(runner.workers.size).toBe(0);
});

test("two runners command workers of one name without meeting", async () => {
  const [one, other] = await Promise.all([openRunner(), openRunner()]);
  const script = new URL("workers/worker.cjs", import.meta.url);
  const [first, second] = await Promise.all([
    one.start({ runtimeId: "users", script }),
    other.start({ runtimeId: "users", script: WORKER }),
  ]);
  expect((await first.request(environment)).pid).toBe(first.pid);
  expect((await second.request(environment)).pid).toBe(second.pid);
  await one.close();
  expect(isAlive(Number(first.pid))).toBe(false);
  expect((await second.request(environment)).pid).toBe(second.pid);
  // A worker that has lost its runner ends, though its server would keep it.
  const usurper = new IPCClient(other.server.getPort());
  onTestFinished(() => usurper.disconnect());
  await usurper.connect("users");
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.output.at(-1)?.text).toMatch(/connection to the runner is lost.*took over/);
});

test("a program without runWorker() is ready when it writes the line that was asked for", async () => {
  const runner = await openRunner();
  // A pattern with g or y remembers where it was; that must not matter.
  const web = await runner.start({ runtimeId: "web", script: PLAIN, ready: /listening/gy });
  expect(web.output).toContainEqual({
    runtimeId: "web",
    stream: "stdout",
    text: "up and listening on 4711",
  });
  const start = performance.now();
  expect(await rejection(web.request(environment))).toMatchObject({ code: "XW_NO_PEER" });
  expect(performance.now() - start).toBeLessThan(500);
  await runner.close();
  expect(await web.exited).toEqual({ code: null, signal: "SIGTERM" });
});

test("the fake timers of a test do not stop its runner", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const runner = await openRunner();
  const deaf = await runner.start({
    runtimeId: "deaf",
    script: PLAIN,
    args: ["ignore SIGTERM"],
    ready: IS_UP,
  });
  await deaf.close({ graceMs: 50 });
  expect(await deaf.exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("a runtimeId is taken while its worker runs, and free when it has ended", async () => {
  const runner = await openRunner();
  const web = { runtimeId: "web", script: PLAIN, ready: IS_UP };
  const first = await runner.start(web);
  expect(() => runner.start(web)).toThrow(/running worker "web" already/);
  await first.close();
  const second = await runner.start(web);
  expect(second.pid).not.toBe(first.pid);
  expect(runner.workers.get("web")).toBe(second);
});

test("a closed runner starts nothing, and closing it twice is closing it once", async () => {
  const processes = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
  const before = processes();
  const runner = await createRunner({ output: "ignore" });
  onTestFinished(() => runner.close());
  const starting = rejection(runner.start({ runtimeId: "web", script: PLAIN, ready: /never/ }));
  const pid = Number(runner.workers.get("web")?.pid);
  expect(isAlive(pid)).toBe(true);
  const closing = runner.close();
  expect(runner.close()).toBe(closing);
  await closing;
  expect(await starting).toMatchObject({ code: "XW_CLOSED" });
  // Neither the worker nor the warden beside the runner.
  expect(isAlive(pid)).toBe(false);
  await until(() => processes() === before, "the warden to be gone");
  expect(
    await rejection(runner.start({ runtimeId: "web", script: PLAIN, ready: IS_UP })),
  ).toMatchObject({ code: "XW_CLOSED" });
});

test("runWorker() outside of a runner says what it needs", async () => {
  const error = await rejection(runWorker());
  expect(error).toMatchObject({ code: "XW_NOT_CONNECTED" });
  expect((error as Error).message).toMatch(/runWorker\(\) found no runner: .*runner\.start\(/);
});

test("options that can only be mistakes are refused at once, by name", async () => {
  const runner = await openRunner();
  const web = { runtimeId: "web", script: PLAIN };
  expect(() => runner.start({ ...web, runtimeId: "" })).toThrow(/cannot be a runtimeId/);
  expect(() => runner.start({ ...web, runtimeId: "a\nb" })).toThrow(/cannot be a runtimeId/);
  expect(() => runner.start({ ...web, script: "./gone.mjs" })).toThrow(/no script .*gone\.mjs/);
  expect(() => runner.start({ ...web, kind: "fiber" as never })).toThrow(/kind .*"fiber|fiber/);
  expect(() => runner.start({ ...web, kind: "thread", cwd: "/" })).toThrow(/cwd/);
  expect(() => runner.start({ ...web, ready: "up" as never })).toThrow(/ready/);
  expect(() => runner.start({ ...web, readyTimeoutMs: 0 })).toThrow(/readyTimeoutMs/);
  expect(() => runner.start({ ...web, output: "loud" as never })).toThrow(/output/);
  expect(() => createRunner({ output: "loud" as never })).toThrow(/output/);
  expect(() => createRunner({ readyTimeoutMs: -1 })).toThrow(/readyTimeoutMs/);
  expect(() => createRunner({ limits: { callTimeout: 1 } as never })).toThrow(/callTimeout/);
  expect(runner.workers.size).toBe(0);
});

// Workers in TypeScript run in fixture.test.ts and in the example.
test("a script needs a loader when it is TypeScript and nothing else loads that", () => {
  const { features } = process as { features: { typescript?: string | false } };
  const nodeReads = Boolean(features.typescript);
  for (const file of ["a.ts", "a.mts", "a.cts", "a.tsx"])
    expect(needsLoader(file, ["--inspect"])).toBe(!nodeReads);
  for (const file of ["a.js", "a.mjs", "a.cjs", "ts"]) expect(needsLoader(file, [])).toBe(false);
  expect(needsLoader("a.ts", ["--import", "tsx"])).toBe(false);
  expect(needsLoader("a.ts", ["--experimental-strip-types"])).toBe(false);
});

test("tsx is taken from the working directory, else from beside the script, else it is asked for", () => {
  const here = import.meta.filename;
  const [flag, loader] = loaderArguments("/no/such/script.ts", import.meta.dirname);
  expect(flag).toBe("--import");
  expect(loader).toMatch(/^file:.*tsx/);
  expect(loaderArguments(here, "/no/such")).toEqual([flag, loader]);
  expect(() => loaderArguments("/no/such/script.ts", "/no/such")).toThrow(
    /script\.ts is TypeScript.*Install tsx/,
  );
});
