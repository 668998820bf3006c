// What can be watched: the trace option, node:diagnostics_channel and NODE_DEBUG tell the same story.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { IPCServer, type TraceEvent } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { rejection, until } from "../fixtures/wait.ts";
import { startChild } from "./child.ts";
import { createClient, openPair, openServer, WORKER } from "./pair.ts";

const good = IPCServer.defineRequest<string, string>("events/good");
const bad = IPCServer.defineRequest<void, void>("events/bad");
const hang = IPCServer.defineRequest<void, void>("events/hang");

interface Watch {
  readonly trace: (event: TraceEvent) => void;
  /** What came, without the frames. */
  readonly story: TraceEvent[];
  readonly frames: TraceEvent[];
}

function watch(): Watch {
  const story: TraceEvent[] = [];
  const frames: TraceEvent[] = [];
  return {
    story,
    frames,
    trace: (event) => void (event.event.startsWith("frame:") ? frames : story).push(event),
  };
}

test("the trace option tells the life of a connection and its calls, on both sides", async () => {
  const [serverSide, clientSide] = [watch(), watch()];
  const server = await openServer({ trace: serverSide.trace });
  server.onFrameworkMessage(good, (text) => text);
  const client = createClient(server, { trace: clientSide.trace });
  await client.connect(WORKER);
  await client.sendFrameworkRequest(good, "x");
  await client.disconnect();
  await until(() => serverSide.story.length === 4, "the server to see the end");

  const peer = `the server at 127.0.0.1:${server.getPort()}`;
  expect(clientSide.story).toEqual([
    { event: "peer:open", peer },
    { event: "request:start", peer, path: good, id: 1, side: "caller" },
    { event: "request:end", peer, path: good, id: 1, side: "caller" },
    { event: "peer:close", peer, code: 1000, reason: "disconnected" },
  ]);
  const there = 'client "worker-1"';
  expect(serverSide.story).toEqual([
    { event: "peer:open", peer: there },
    { event: "request:start", peer: there, path: good, id: 1, side: "handler" },
    { event: "request:end", peer: there, path: good, id: 1, side: "handler" },
    { event: "peer:close", peer: there, code: 1000, reason: "disconnected" },
  ]);
});

test("a call that fails ends with its error on both sides", async () => {
  const [serverSide, clientSide] = [watch(), watch()];
  const { server, client } = await openPair({ server: serverSide, client: clientSide });
  const bug = new Error("on purpose");
  server.onFrameworkMessage(bad, () => {
    throw bug;
  });
  await rejection(client.sendFrameworkRequest(bad));
  expect(ends(serverSide)).toEqual([expect.objectContaining({ side: "handler", error: bug })]);
  expect(ends(clientSide)).toEqual([
    expect.objectContaining({
      side: "caller",
      error: expect.objectContaining({ code: "XW_REMOTE" }) as unknown,
    }),
  ]);
});

test.each([
  ["times out", () => ({ timeoutMs: 20 })],
  ["is aborted", () => ({ signal: AbortSignal.timeout(20) })],
])("a call that %s ends for the caller as well as for the handler", async (_how, options) => {
  const [serverSide, clientSide] = [watch(), watch()];
  const { server, client } = await openPair({ server: serverSide, client: clientSide });
  server.onFrameworkMessage(hang, () => new Promise(() => {}));
  await rejection(client.sendFrameworkRequest(hang, undefined, options()));
  await until(() => ends(serverSide).length === 1, "the handler's end");
  expect(ends(clientSide)).toEqual([expect.objectContaining({ path: hang, side: "caller" })]);
});

test("a call that breaks with its connection ends for the caller", async () => {
  const clientSide = watch();
  const { server, client } = await openPair({ client: clientSide });
  server.onFrameworkMessage(hang, () => new Promise(() => {}));
  const failure = rejection(client.sendFrameworkRequest(hang));
  await client.disconnect();
  await failure;
  expect(ends(clientSide)).toEqual([expect.objectContaining({ path: hang, side: "caller" })]);
});

test("frames are told with their size and kind, and not with what is in them", async () => {
  const clientSide = watch();
  const { server, client } = await openPair({ client: clientSide });
  server.onFrameworkMessage(good, (text) => text);
  clientSide.frames.length = 0;
  await client.sendFrameworkRequest(good, "secret payload");
  await client.sendFrameworkRequest(good, new Uint8Array(1_000) as never);
  expect(clientSide.frames).toEqual([
    { event: "frame:out", peer: expect.any(String), bytes: expect.any(Number), binary: false },
    { event: "frame:in", peer: expect.any(String), bytes: expect.any(Number), binary: false },
    { event: "frame:out", peer: expect.any(String), bytes: expect.any(Number), binary: true },
    { event: "frame:in", peer: expect.any(String), bytes: expect.any(Number), binary: true },
  ]);
  const sizes = clientSide.frames.map((event) => ("bytes" in event ? event.bytes : 0));
  expect(sizes[0]).toBe(`r:1:${good}:"secret payload"`.length);
  expect(sizes[2]).toBeGreaterThan(1_000);
  expect(JSON.stringify(clientSide.frames)).not.toContain("secret");
});

test("an answer that comes too late is told as dropped", async () => {
  const clientSide = watch();
  const { server, client } = await openPair({ client: clientSide });
  server.onFrameworkMessage(good, (text) => text);
  await rejection(client.sendFrameworkRequest(good, "x", { signal: abortedNextTurn() }));
  await client.sendFrameworkRequest(good, "round trip");
  expect(clientSide.frames).toContainEqual({
    event: "frame:dropped",
    peer: expect.any(String) as string,
    type: "s",
    reason: expect.any(String) as string,
  });
});

test("node:diagnostics_channel gets the same events", async () => {
  const seen: string[] = [];
  const names = ["peer:open", "request:start", "request:end", "peer:close"];
  for (const name of names) {
    const listener = (payload: unknown): void => {
      seen.push(`${name} ${(payload as { path?: string }).path ?? ""}`.trim());
    };
    subscribe(`crosswire:${name}`, listener);
    onTestFinished(() => void unsubscribe(`crosswire:${name}`, listener));
  }
  const { server, client } = await openPair();
  server.onFrameworkMessage(good, (text) => text);
  await client.sendFrameworkRequest(good, "x");
  await client.disconnect();
  await until(() => seen.length === 8, "both ends of all events");
  // Once for the caller's side and once for the handler's.
  expect(seen.sort()).toEqual([
    ...["peer:close", "peer:close", "peer:open", "peer:open"],
    ...[`request:end ${good}`, `request:end ${good}`],
    ...[`request:start ${good}`, `request:start ${good}`],
  ]);
});

test("with both, the trace option and the channels hear everything", async () => {
  const serverSide = watch();
  let heard = 0;
  const listener = (): void => void heard++;
  subscribe("crosswire:peer:open", listener);
  onTestFinished(() => void unsubscribe("crosswire:peer:open", listener));
  await openPair({ server: serverSide });
  expect(serverSide.story).toHaveLength(1);
  expect(heard).toBe(2);
});

test("NODE_DEBUG=crosswire prints the events, and no payload", async () => {
  const child = startChild("debug-output.ts", [], { NODE_DEBUG: "crosswire" });
  expect(await child.ended).toBe(0);
  const { stderr } = child.output;
  expect(stderr).toMatch(/^CROSSWIRE \d+: peer:open \{"peer":/m);
  expect(stderr).toMatch(/request:start \{.*"path":"child\/good".*"side":"caller"/);
  expect(stderr).toMatch(/request:end \{.*"path":"child\/bad".*"side":"handler"/);
  expect(stderr).not.toContain("secret");
});

test("without NODE_DEBUG nothing is printed", async () => {
  const child = startChild("debug-output.ts");
  expect(await child.ended).toBe(0);
  expect(child.output).toEqual({ stdout: "", stderr: "" });
});

function ends({ story }: Watch): TraceEvent[] {
  return story.filter(({ event }) => event === "request:end");
}

/** Fires when the request has left and before its answer can have come. */
function abortedNextTurn(): AbortSignal {
  const controller = new AbortController();
  process.nextTick(() => process.nextTick(() => controller.abort()));
  return controller.signal;
}
