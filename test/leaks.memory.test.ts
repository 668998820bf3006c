// What stays behind in memory: nothing of what was opened and closed, and while something is slow, no
// more than the limits allow. Runs with --expose-gc.

import { type CrosswireError, IPCClient, IPCServer } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { createChaosProxy } from "../src/testkit/chaos/chaos-proxy.ts";
import { acceptUpgrade, openRawServer, serverFrame } from "./fixtures/raw-server.ts";
import { helloFrame } from "./fixtures/hostile-target.ts";
import { turn, until } from "./fixtures/wait.ts";
import { openPair } from "./public/pair.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** What the collector leaves to chance; one connection that leaks in each cycle is many times as much. */
const NOISE_BYTES = 256 * KIB;

const echo = IPCServer.defineRequest<number, number>("leaks/echo");
const never = IPCServer.defineRequest<void, void>("leaks/never");
const count = IPCServer.defineStream<void, number>("leaks/count");
const bulk = IPCServer.defineStream<void, Uint8Array>("leaks/bulk");
const note = IPCServer.defineMessage<string>("leaks/note");

function collected(): number {
  if (globalThis.gc === undefined) throw new Error("This test needs node --expose-gc.");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/**
 * By how many bytes the heap grew in that quarter of the cycles in which it grew least. A leak shows in
 * each of them; what the engine still learns about the code, and what it collects late, does not.
 */
async function growth(cycles: number, run: (cycle: number) => Promise<void>): Promise<number> {
  const grown: number[] = [];
  let cycle = 0;
  let before = 0;
  for (let quarter = 0; quarter <= 4; quarter++) {
    // The first one only warms up.
    for (let i = 0; i < cycles / 4; i++) await run(cycle++);
    await turn();
    const after = collected();
    if (quarter > 0) grown.push(after - before);
    before = after;
  }
  return Math.min(...grown);
}

/** Sockets, servers, timers and files. The pipes belong to the test runner. */
function openHandles(): string[] {
  const names = process.getActiveResourcesInfo();
  return names.filter((name) => !/Pipe|Immediate/.test(name)).toSorted();
}

/** A timer of the test runner that was open before may have ended meanwhile, so they are not just counted. */
function openedSince(before: readonly string[]): string[] {
  const known = [...before];
  return openHandles().filter((name) => {
    const at = known.indexOf(name);
    if (at !== -1) known.splice(at, 1);
    return at === -1;
  });
}

function serve(server: IPCServer): void {
  server.onFrameworkMessage(echo, (number) => number);
  server.onFrameworkMessage(never, () => new Promise<void>(() => {}));
  server.onStream(count, function* () {
    for (let i = 0; i < 20; i++) yield i;
  });
}

async function openServed(): Promise<{ server: IPCServer; client: IPCClient }> {
  const pair = await openPair();
  serve(pair.server);
  return pair;
}

test("500 servers and clients, opened, used and closed, leave no handle and no memory", async () => {
  const handles = openHandles();
  const grown = await growth(500, async (cycle) => {
    const server = new IPCServer(0);
    serve(server);
    await server.start();
    const client = new IPCClient(server.getPort());
    await client.connect(`cycle-${cycle}`);
    await client.sendFrameworkRequest(echo, cycle);
    for await (const number of client.openStream(count)) if (number === 3) break;
    const dropped = client.sendFrameworkRequest(never).catch(() => {});
    if (cycle % 2 === 0) await client.disconnect();
    await server.close({ graceMs: 0 });
    await client.disconnect();
    await dropped;
  });
  expect(grown).toBeLessThan(NOISE_BYTES);
  await until(() => openedSince(handles).length === 0, "the last sockets to close");
}, 60_000);

test("100,000 calls on one connection leave nothing behind", async () => {
  const { client } = await openServed();
  const batch = Array.from({ length: 1_000 }, (_, i) => i);
  const grown = await growth(100, async () => {
    await Promise.all(batch.map((i) => client.sendFrameworkRequest(echo, i)));
  });
  expect(grown).toBeLessThan(NOISE_BYTES);
});

test("20,000 calls that share a signal, aborted or not, leave nothing behind", async () => {
  const { client } = await openServed();
  const lasting = new AbortController();
  // Node warns of more than ten listeners on one signal.
  const ten = Array.from({ length: 10 }, (_, i) => i);
  const grown = await growth(1_000, async () => {
    const own = new AbortController();
    const hanging = ten.map(() =>
      client.sendFrameworkRequest(never, undefined, { signal: own.signal }).catch(() => {}),
    );
    const { signal } = lasting;
    await Promise.all(ten.map((i) => client.sendFrameworkRequest(echo, i, { signal })));
    own.abort();
    await Promise.all(hanging);
  });
  expect(grown).toBeLessThan(NOISE_BYTES);
});

test("2,000 streams that are left in the middle leave nothing behind", async () => {
  const { client } = await openServed();
  const grown = await growth(2_000, async () => {
    for await (const number of client.openStream(count)) if (number === 5) break;
  });
  expect(grown).toBeLessThan(NOISE_BYTES);
});

test("400 reconnects of one client leave nothing behind", async () => {
  const proxy = await createChaosProxy(() => server.getPort());
  const server = new IPCServer(0, { allowedHosts: [`127.0.0.1:${proxy.port}`] });
  serve(server);
  await server.start();
  const reconnect = { initialDelayMs: 1, maxDelayMs: 2 };
  const client = new IPCClient(proxy.port, { token: server.token, reconnect });
  onTestFinished(async () => {
    await client.disconnect();
    await server.close({ graceMs: 0 });
    await proxy.close();
  });
  await client.connect("again");
  const grown = await growth(400, async (cycle) => {
    const back = new Promise<void>((resolve) => {
      const undo = client.onReconnect(() => {
        undo();
        resolve();
      });
    });
    proxy.cut();
    await back;
    expect(await client.sendFrameworkRequest(echo, cycle)).toBe(cycle);
  });
  expect(grown).toBeLessThan(NOISE_BYTES);
  await until(() => server.clients().length === 1, "the server to forget the old ones");
});

test("a slow consumer holds its producer back instead of filling memory", async () => {
  const { server, client } = await openPair();
  const total = 64 * MIB;
  let produced = 0;
  server.onStream(bulk, function* () {
    for (; produced < total; produced += 64 * KIB) yield new Uint8Array(64 * KIB);
  });
  const before = collected();
  let consumed = 0;
  let ahead = 0;
  let grown = 0;
  for await (const piece of client.openStream(bulk)) {
    consumed += piece.length;
    // Slow: everything that can happen meanwhile happens.
    await turn();
    ahead = Math.max(ahead, produced - consumed);
    if (consumed % (8 * MIB) === 0) grown = Math.max(grown, collected() - before);
  }
  expect(consumed).toBe(total);
  expect(ahead).toBeLessThan(2 * MIB);
  expect(grown).toBeLessThan(8 * MIB);
});

test("a slow reader of messages costs its sender no more than the queue that is allowed", async () => {
  const softQueueBytes = 4 * MIB;
  let reader: { resume(): unknown } | undefined;
  const { port } = await openRawServer((socket, head) => {
    acceptUpgrade(socket, head, "Crosswire-Protocol: 1\r\n");
    socket.write(serverFrame(helloFrame({ maxFrameBytes: 16 * MIB })));
    socket.pause();
    reader = socket;
  });
  const client = new IPCClient(port, {
    token: "t".repeat(32),
    limits: { softQueueBytes, closeGraceMs: 50 },
  });
  onTestFinished(() => client.disconnect());
  await client.connect();
  const text = "x".repeat(100 * KIB);
  const before = collected();
  let sent = 0;
  let refused: CrosswireError | undefined;
  while (refused === undefined && sent < 1_000) {
    try {
      client.sendMessage(note, text);
      sent++;
      // The operating system takes its share; what it does not take is ours to hold.
      await turn();
    } catch (error) {
      refused = error as CrosswireError;
    }
  }
  expect(refused).toMatchObject({ code: "XW_OVERLOADED", detail: { limit: "softQueueBytes" } });
  expect(collected() - before).toBeLessThan(softQueueBytes + 4 * MIB);
  reader?.resume();
  await client.drain();
  client.sendMessage(note, text);
});
