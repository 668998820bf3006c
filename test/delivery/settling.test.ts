// How a single call ends, step by step on a hand-driven line: what its end tells, frees and wakes.

import { getEventListeners } from "node:events";
import { IPCSocket, type TraceEvent } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { type DrivenPair, greet, openDrivenPair } from "../fixtures/driven-pair.ts";
import { type Deferred, deferred, rejection, turn } from "../fixtures/wait.ts";

const PATH = "settling/call";
const TIMEOUT_MS = 500;
const GRACE_MS = 60_000;

interface OneCall extends DrivenPair {
  readonly events: readonly TraceEvent[];
  readonly controller: AbortController;
  /** What the handler will say. */
  readonly result: Deferred<unknown>;
  /** The handler's view of the call. */
  readonly signal: () => AbortSignal | undefined;
  readonly outcome: Promise<unknown>;
}

/** One call that reached its handler. */
async function openCall(): Promise<OneCall> {
  const events: TraceEvent[] = [];
  const pair = openDrivenPair({ trace: (event) => void events.push(event) });
  await greet(pair);
  const result = deferred<unknown>();
  let signal: AbortSignal | undefined;
  pair.far.onRequest(PATH, (_, context) => {
    ({ signal } = context);
    return result.promise;
  });
  const controller = new AbortController();
  const options = { timeoutMs: TIMEOUT_MS, signal: controller.signal };
  const outcome = pair.near.request(PATH, 1, options).catch((error: unknown) => error);
  await turn();
  pair.farLine.deliver();
  return { ...pair, events, controller, result, signal: () => signal, outcome };
}

async function deliverAll({ nearLine, farLine }: DrivenPair): Promise<void> {
  do await turn();
  while (nearLine.deliver() || farLine.deliver());
}

const waysToEnd = [
  { how: "is answered", end: ({ result }: OneCall) => result.resolve(1) },
  { how: "fails", end: ({ result }: OneCall) => result.reject(new Error("no")) },
  { how: "times out", end: ({ clock }: OneCall) => clock.advance(TIMEOUT_MS + 10) },
  { how: "is aborted", end: ({ controller }: OneCall) => controller.abort() },
];

describe.each(waysToEnd)("when the last call in flight $how", ({ end }) => {
  test.each(["near", "far"] as const)("the close of the %s side waits no longer", async (side) => {
    const call = await openCall();
    let isClosed = false;
    void call[side].close({ graceMs: GRACE_MS }).then(() => (isClosed = true));
    await deliverAll(call);
    expect(isClosed).toBe(false);
    end(call);
    await deliverAll(call);
    expect(isClosed).toBe(true);
    expect(call.clock.waiting).toBe(0);
  });

  test("no timer is left for it", async () => {
    const call = await openCall();
    const waiting = call.clock.waiting;
    end(call);
    await deliverAll(call);
    call.clock.advance(TIMEOUT_MS + 10);
    expect(call.clock.waiting).toBeLessThan(waiting);
  });

  test("its signal has no listener left", async () => {
    const call = await openCall();
    end(call);
    await deliverAll(call);
    expect(getEventListeners(call.controller.signal, "abort")).toEqual([]);
  });
});

describe("the trace tells one end for each start of a call that", () => {
  test.each([
    ...waysToEnd,
    { how: "loses its connection", end: ({ nearLine }: OneCall) => nearLine.cut() },
    { how: "is closed by its own side", end: ({ near }: OneCall) => void near.close() },
    { how: "is closed by the other side", end: ({ far }: OneCall) => void far.close() },
  ])("$how", async ({ end }) => {
    const call = await openCall();
    end(call);
    await deliverAll(call);
    await call.outcome;
    const told = call.events.flatMap((event) =>
      event.event === "request:start" || event.event === "request:end"
        ? [`${event.event} ${event.side}`]
        : [],
    );
    expect(told.toSorted()).toEqual([
      "request:end caller",
      "request:end handler",
      "request:start caller",
      "request:start handler",
    ]);
  });
});

describe("the handler's signal", () => {
  test.each([
    {
      how: "the caller gives up",
      end: ({ controller }: OneCall) => controller.abort(),
      code: "XW_CANCELLED",
    },
    {
      how: "the time is up",
      end: ({ clock }: OneCall) => clock.advance(TIMEOUT_MS + 10),
      code: "XW_TIMEOUT",
    },
    {
      how: "the line is cut",
      end: ({ nearLine }: OneCall) => nearLine.cut(),
      code: "XW_CONNECTION_LOST",
    },
    { how: "its own side closes", end: ({ far }: OneCall) => void far.close(), code: "XW_CLOSED" },
  ])("aborts when $how, and the late answer goes nowhere", async ({ end, code }) => {
    const call = await openCall();
    end(call);
    await deliverAll(call);
    expect(call.signal()?.reason).toMatchObject({ code });
    call.result.resolve("late");
    await turn();
    expect(call.nearLine.incoming).toEqual([]);
  });
});

describe("a call that is cut off in the turn in which it was made", () => {
  test("is known not to have been delivered where it waited for company, and never was", async () => {
    const pair = openDrivenPair();
    await greet(pair);
    const ran: unknown[] = [];
    pair.far.onRequest(PATH, (payload) => ran.push(payload));
    const first = rejection(pair.near.request(PATH, "goes at once"));
    const second = rejection(pair.near.request(PATH, "waits"));
    pair.nearLine.terminate();
    expect(await first).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    expect(await second).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: false });
    await deliverAll(pair);
    expect(ran).not.toContain("waits");
  });

  test("is called undelivered only if it never left", async () => {
    const pair = openDrivenPair();
    await greet(pair);
    const early = rejection(pair.near.request(PATH, "early"));
    await turn();
    expect(pair.farLine.incoming).toHaveLength(1);
    pair.nearLine.cut();
    await turn();
    const late = rejection(pair.near.request(PATH, "late"));
    expect(await early).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    expect(await late).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: false });
  });
});

test("a call made before the hello, or after the end, fails at once by name", async () => {
  const pair = openDrivenPair();
  const early = await rejection(pair.near.request(PATH));
  expect(early).toMatchObject({ code: "XW_NOT_CONNECTED", maybeDelivered: false });
  await greet(pair);
  pair.nearLine.cut();
  await turn();
  const late = await rejection(pair.near.request(PATH));
  expect(late).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: false });
  expect(pair.near).toBeInstanceOf(IPCSocket);
});

test("a signal that is aborted already sends nothing", async () => {
  const pair = openDrivenPair();
  await greet(pair);
  const signal = AbortSignal.abort(new Error("beforehand"));
  expect(await rejection(pair.near.request(PATH, 1, { signal }))).toMatchObject({
    message: "beforehand",
  });
  await turn();
  expect(pair.farLine.incoming).toEqual([]);
});

test("twenty calls that share a signal bring no warning of a leak", async () => {
  const pair = openDrivenPair();
  await greet(pair);
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", onWarning);
  onTestFinished(() => void process.off("warning", onWarning));
  const { signal } = new AbortController();
  const calls = Array.from({ length: 20 }, () => rejection(pair.near.request(PATH, 1, { signal })));
  await turn();
  pair.nearLine.cut();
  await Promise.all(calls);
  expect(warnings).toEqual([]);
});
