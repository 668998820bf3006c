// Calls that end early: timeouts, deadlines handed on, and abort signals, in both directions.

import { IPCServer, isCrosswireError, type TraceEvent } from "crosswire";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { deferred, rejection, until } from "../fixtures/wait.ts";
import { openPair } from "./pair.ts";
import { WAYS } from "./ways.ts";

/** A handler that waits for its signal and keeps what it was aborted with. */
function patient(): {
  readonly handler: (payload: unknown, context: { readonly signal: AbortSignal }) => Promise<void>;
  readonly entered: Promise<void>;
  readonly aborted: Promise<unknown>;
} {
  const entered = deferred();
  const aborted = deferred<unknown>();
  const handler = async (_: unknown, { signal }: { readonly signal: AbortSignal }) => {
    entered.resolve();
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    aborted.resolve(signal.reason);
  };
  return { handler, entered: entered.promise, aborted: aborted.promise };
}

describe.each(WAYS)("$way", ({ open }) => {
  test.each([
    ["a number", 30],
    ["an option", { timeoutMs: 30 }],
  ])("times out after the time given as %s", async (_how, timeout) => {
    const way = await open();
    const { handler } = patient();
    way.answer(handler);
    const startedAt = performance.now();
    await expect(way.ask(undefined, timeout)).rejects.toMatchObject({
      code: "XW_TIMEOUT",
      path: way.path,
      detail: { timeoutMs: 30 },
      message: expect.stringMatching(/Request "way\/.*" to .* got no answer in 30 ms\./) as string,
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(29);
  });

  test("aborts the handler's signal when the caller's time is up", async () => {
    const way = await open();
    const { handler, aborted } = patient();
    way.answer(handler);
    await rejection(way.ask(undefined, 20));
    const reason = await aborted;
    // Whichever comes first: the handler's own clock, or the caller's note that it gave up.
    expect(isCrosswireError(reason, "XW_TIMEOUT") || isCrosswireError(reason, "XW_CANCELLED")).toBe(
      true,
    );
  });

  test("tells the handler how much of the caller's time is left", async () => {
    const way = await open();
    way.answer((_, { remainingMs, deadline }) => ({ remainingMs, leftMs: deadline - Date.now() }));
    const { remainingMs, leftMs } = (await way.ask(undefined, 5_000)) as Record<string, number>;
    expect(remainingMs).toBeGreaterThan(0);
    expect(remainingMs).toBeLessThanOrEqual(5_000);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(5_001);
  });

  test("tells the handler the default time when the caller gave none", async () => {
    const limits = { callTimeoutMs: 4_000 };
    const way = await open({ server: { limits }, client: { limits } });
    way.answer((_, { remainingMs }) => remainingMs);
    const remainingMs = await way.ask();
    expect(remainingMs).toBeGreaterThan(0);
    expect(remainingMs).toBeLessThanOrEqual(4_000);
  });

  test("tells the handler that it has for ever when the caller waits for ever", async () => {
    const way = await open();
    way.answer((_, { remainingMs, deadline }) => [remainingMs, deadline].map(String));
    expect(await way.ask(undefined, Infinity)).toEqual(["Infinity", "Infinity"]);
  });

  test("uses the default of limits.callTimeoutMs", async () => {
    const limits = { callTimeoutMs: 25 };
    const way = await open({ server: { limits }, client: { limits } });
    way.answer(patient().handler);
    await expect(way.ask()).rejects.toMatchObject({
      code: "XW_TIMEOUT",
      detail: { timeoutMs: 25 },
    });
  });

  test("refuses a timeout that cannot be waited", async () => {
    const way = await open();
    expect(() => way.ask(undefined, -1)).toThrow(TypeError);
    expect(() => way.ask(undefined, { timeoutMs: Number.NaN })).toThrow(/timeoutMs .* NaN/);
  });

  test("sends nothing when its signal is aborted already", async () => {
    const frames: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => {
      if (event.event === "frame:out") frames.push(event);
    };
    const way = await open({ server: { trace }, client: { trace } });
    let runs = 0;
    way.answer(() => ++runs);
    await way.ask();
    const before = frames.length;

    const reason = new Error("changed my mind");
    const failure = await rejection(way.ask(1, { signal: AbortSignal.abort(reason) }));

    expect(failure).toBe(reason);
    expect(frames).toHaveLength(before);
    // The next call is a round trip: what had been sent before it would have arrived.
    expect(await way.ask()).toBe(2);
  });

  test("rejects with the reason of its signal as soon as that fires", async () => {
    const way = await open();
    const { handler, entered } = patient();
    way.answer(handler);
    const controller = new AbortController();
    const failure = rejection(way.ask(1, { signal: controller.signal }));
    await entered;
    let isSettled = false;
    void failure.then(() => (isSettled = true));

    controller.abort("enough");
    // A handful of microtasks, no round trip.
    for (let i = 0; i < 10; i++) await Promise.resolve();

    expect(isSettled).toBe(true);
    expect(await failure).toBe("enough");
  });

  test("aborts the handler's signal when the caller aborts", async () => {
    const way = await open();
    const { handler, entered, aborted } = patient();
    way.answer(handler);
    const controller = new AbortController();
    const failure = rejection(way.ask(1, { signal: controller.signal }));
    await entered;
    controller.abort();
    expect(await aborted).toMatchObject({ code: "XW_CANCELLED" });
    expect(await failure).toBe(controller.signal.reason);
  });

  test("aborts one call and leaves the others alone", async () => {
    const way = await open();
    const release = deferred();
    let arrived = 0;
    way.answer(async (name) => {
      arrived++;
      await release.promise;
      return name;
    });
    const controller = new AbortController();
    const calls = [way.ask("a"), way.ask("b", { signal: controller.signal }), way.ask("c")];
    const settled = Promise.allSettled(calls);
    await until(() => arrived === 3, "all calls to arrive");
    controller.abort("b only");
    release.resolve();
    expect(await settled).toEqual([
      { status: "fulfilled", value: "a" },
      { status: "rejected", reason: "b only" },
      { status: "fulfilled", value: "c" },
    ]);
  });

  test("leaves no listener on a signal that outlives the call", async () => {
    const way = await open();
    way.answer(() => "done");
    const controller = new AbortController();
    let listeners = 0;
    const signal = {
      get aborted() {
        return controller.signal.aborted;
      },
      get reason(): unknown {
        return controller.signal.reason;
      },
      addEventListener: () => void listeners++,
      removeEventListener: () => void listeners--,
    };
    await Promise.all(Array.from({ length: 20 }, () => way.ask(1, { signal })));
    expect(listeners).toBe(0);
  });

  test("ignores an answer that comes too late", async () => {
    const way = await open();
    const late = deferred<string>();
    const answers = [late.promise, Promise.resolve("in time")];
    way.answer(() => answers.shift());
    await expect(way.ask(1, 20)).rejects.toMatchObject({ code: "XW_TIMEOUT" });
    late.resolve("too late");
    expect(await way.ask(2)).toBe("in time");
  });
});

test("the timeout of a definition is used, and the call's own goes before it", async () => {
  const { server, client } = await openPair();
  const slow = IPCServer.defineRequest<void, void>("deadlines/slow", { timeoutMs: 25 });
  server.onFrameworkMessage(slow, patient().handler);
  await expect(client.sendFrameworkRequest(slow)).rejects.toMatchObject({
    detail: { timeoutMs: 25 },
  });
  await expect(client.sendFrameworkRequest(slow, undefined, 15)).rejects.toMatchObject({
    detail: { timeoutMs: 15 },
  });
});

test("a handler can hand its remaining time on to the calls it makes", async () => {
  const { server, client } = await openPair();
  const outer = IPCServer.defineRequest<void, number>("deadlines/outer");
  const inner = IPCServer.defineRequest<void, number>("deadlines/inner");
  server.onFrameworkMessage(inner, (_, { remainingMs }) => remainingMs);
  server.onFrameworkMessage(outer, (_, { remainingMs }) =>
    client.sendFrameworkRequest(inner, undefined, remainingMs),
  );
  const innerMs = await client.sendFrameworkRequest(outer, undefined, 3_000);
  expect(innerMs).toBeLessThanOrEqual(3_000);
  expect(innerMs).toBeGreaterThan(0);
});

test("fake timers and a stopped clock in a test do not stop the wire", async () => {
  onTestFinished(() => void vi.useRealTimers());
  const { server, client } = await openPair();
  const quick = IPCServer.defineRequest<string, string>("deadlines/quick");
  const never = IPCServer.defineRequest<void, void>("deadlines/never");
  server.onFrameworkMessage(quick, async (text) => text);
  server.onFrameworkMessage(never, patient().handler);

  vi.useFakeTimers({ now: 0, toFake: ["setTimeout", "setImmediate", "Date", "performance"] });

  expect(await client.sendFrameworkRequest(quick, "still here")).toBe("still here");
  const failure = rejection(client.sendFrameworkRequest(never, undefined, 20));
  expect(await failure).toMatchObject({ code: "XW_TIMEOUT" });
});
