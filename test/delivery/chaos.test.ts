// Delivery over bad networks: real sockets through the chaos proxy. Each request settles exactly once,
// none that may not is run twice, and silence is noticed in its time.

import { type CrosswireError, IPCClient, IPCServer, isCrosswireError } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import type { DirectionFaults, Faults } from "../../src/testkit/chaos/faults.ts";
import { type Network, openNetwork } from "../fixtures/bad-network.ts";
import { SEED, seededRandom } from "../fixtures/seed.ts";
import { rejection, until, within } from "../fixtures/wait.ts";

const once = IPCServer.defineRequest<number, string>("chaos/once");
const often = IPCServer.defineRequest<number, string>("chaos/often", { idempotent: true });
const numbered = IPCServer.defineMessage<{ n: number; filler: string }>("chaos/numbered");
const ask = IPCClient.defineRequest<number, string>("chaos/ask");
const never = IPCServer.defineRequest<void, void>("chaos/never");

/** XW_REFUSED too: half a handshake, and then a FIN, is answered with 400. */
const NAMED_END = /^(XW_UNREACHABLE|XW_FOREIGN|XW_REFUSED|XW_CONNECTION_LOST|answered)$/;

/** One direction after the other: only one of them is at fault. */
function inTurn(n: number, faults: DirectionFaults): Faults {
  return n % 2 === 0 ? { toTarget: faults } : { toClient: faults };
}

/** How often each id ran. */
function recordRuns(server: IPCServer, random: () => number): Map<number, number> {
  const runs = new Map<number, number>();
  const run = async (id: number): Promise<string> => {
    runs.set(id, 1 + (runs.get(id) ?? 0));
    // Some answers leave at once, some after the next cut.
    for (let turns = random() * 40; turns > 1; turns--) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return `answer ${id}`;
  };
  server.onFrameworkMessage(once, run);
  server.onFrameworkMessage(often, run);
  return runs;
}

test(`8,000 requests over 100 cuts settle once each, and run once each (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const { server, proxy, client: connect } = await openNetwork({ sliceBytes: 200, jitterMs: 1 });
  const runs = recordRuns(server, random);
  const reconnect = { initialDelayMs: 1, maxDelayMs: 10 };
  const clients = await Promise.all(
    ["a", "b", "c", "d"].map((name) => connect(name, { reconnect })),
  );
  const settled = new Map<number, string | CrosswireError>();
  let cuts = 0;
  const call = async (client: IPCClient, id: number): Promise<void> => {
    const request = id % 4 === 0 ? often : once;
    const outcome = await client
      .sendFrameworkRequest(request, id)
      .catch((error: CrosswireError) => error);
    expect(settled.has(id)).toBe(false);
    settled.set(id, outcome);
    if (settled.size % 60 === 0 && cuts < 100) {
      cuts++;
      proxy.cut();
    }
  };
  // Each client has 25 requests in flight all the time.
  const lanes = Array.from({ length: 100 }, async (_, lane) => {
    for (let id = lane; id < 8_000; id += 100) await call(clients[lane % 4]!, id);
  });
  await Promise.all(lanes);

  expect(cuts).toBe(100);
  expect(settled.size).toBe(8_000);
  for (const [id, outcome] of settled) {
    const isIdempotent = id % 4 === 0;
    const ran = runs.get(id) ?? 0;
    if (outcome === `answer ${id}`) expect(ran, `runs of ${id}`).toBeGreaterThanOrEqual(1);
    else expect(outcome).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    if (isIdempotent) expect(outcome).toBe(`answer ${id}`);
    else expect(ran, `runs of ${id}`).toBeLessThanOrEqual(1);
  }
  const lost = [...settled.values()].filter((outcome) => isCrosswireError(outcome));
  expect(lost.length).toBeGreaterThan(100);
  // What is still pending somewhere would keep this waiting.
  await within(server.close({ graceMs: 60_000 }), "a close with nothing pending", 5_000);
});

test(`2,000 requests of a server to clients that are cut off settle once each (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const { server, proxy, client: connect } = await openNetwork({ sliceBytes: 200, jitterMs: 1 });
  const runs = new Map<number, number>();
  const names = ["a", "b"];
  for (const name of names) {
    const client = await connect(name, { reconnect: { initialDelayMs: 1, maxDelayMs: 10 } });
    client.onFrameworkRequest(ask, (id) => {
      runs.set(id, 1 + (runs.get(id) ?? 0));
      return `answer ${id}`;
    });
  }
  const isThere = (name: string): boolean =>
    server.clients().some(({ runtimeId }) => runtimeId === name);
  const codes = new Map<string, number>();
  const call = async (id: number): Promise<void> => {
    const name = names[id % 2]!;
    await until(() => isThere(name), "the client to be back");
    const outcome = await server
      .sendFrameworkMessage(name, ask, id)
      .catch(({ code }: CrosswireError) => code);
    const ran = runs.get(id) ?? 0;
    expect(ran, `runs of ${id}`).toBeLessThanOrEqual(1);
    if (outcome === `answer ${id}`) expect(ran).toBe(1);
    const kind = outcome === `answer ${id}` ? "answered" : outcome;
    codes.set(kind, 1 + (codes.get(kind) ?? 0));
    if (random() < 0.02) proxy.cut();
  };
  const lanes = Array.from({ length: 40 }, async (_, lane) => {
    for (let id = lane; id < 2_000; id += 40) await call(id);
  });
  await Promise.all(lanes);
  const lost = ["XW_CONNECTION_LOST", "XW_NO_PEER", "XW_SUPERSEDED"];
  expect([...codes.keys()].filter((code) => !lost.includes(code))).toEqual(["answered"]);
  expect(codes.get("XW_CONNECTION_LOST")).toBeGreaterThan(20);
});

test("2,000 messages on a sliced and trembling link arrive once each, in order", async () => {
  const random = seededRandom(SEED);
  const { server, client: connect } = await openNetwork({ sliceBytes: 700, jitterMs: 1 });
  const got: { n: number; filler: string }[] = [];
  server.onMessage(numbered, (message) => void got.push(message));
  const client = await connect("sender");
  const sent = Array.from({ length: 2_000 }, (_, n) => ({
    n,
    filler: "ä:\n\u{1f600}".repeat(Math.floor(random() ** 8 * 2_000)),
  }));
  for (const message of sent) {
    client.sendMessage(numbered, message);
    if (random() < 0.05) await client.drain();
  }
  await until(() => got.length === sent.length, "the last message");
  expect(got).toEqual(sent);
});

test("a stream of bytes through a sliced link arrives as it was sent", async () => {
  const bytes = IPCServer.defineStream<void, Uint8Array>("chaos/bytes");
  const { server, client: connect } = await openNetwork({ sliceBytes: 3_000, jitterMs: 1 });
  const whole = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251));
  server.onStream(bytes, function* () {
    yield whole.subarray(0, 100_000);
    yield whole.subarray(100_000, 100_001);
    yield whole.subarray(100_001);
  });
  const client = await connect("reader");
  const pieces: Uint8Array[] = [];
  for await (const piece of client.openStream(bytes)) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(whole)).toBe(true);
});

describe("in a blackhole", () => {
  const limits = { heartbeatQuietMs: 100, heartbeatReplyMs: 200, connectTimeoutMs: 300 };
  /** Silence may begin right behind a look: then one more quiet time goes by before anybody asks. */
  const boundMs = 2 * limits.heartbeatQuietMs + limits.heartbeatReplyMs;
  /** For a machine that has other things to do. */
  const slackMs = 1_500;

  test("a call fails as soon as the heartbeat can know, and both sides forget each other", async () => {
    const { server, proxy, client: connect } = await openNetwork({}, limits);
    server.onFrameworkMessage(never, () => new Promise(() => {}));
    const client = await connect("lost");
    const failed = rejection(client.sendFrameworkRequest(never));
    await until(() => server.clients().length === 1, "the server to know the client");
    const start = performance.now();
    proxy.faults = { blackhole: true };
    expect(await failed).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
    await until(() => server.clients().length === 0, "the server to notice");
    expect(performance.now() - start).toBeLessThan(boundMs + slackMs);
    expect(client.isConnected()).toBe(false);
  });

  test("a client with reconnect is back as soon as the network is", async () => {
    const { server, proxy, client: connect } = await openNetwork({}, limits);
    recordRuns(server, () => 0);
    const client = await connect("patient", { reconnect: { initialDelayMs: 5, maxDelayMs: 20 } });
    const lost = new Promise((resolve) => client.onClose(resolve));
    proxy.faults = { blackhole: true };
    expect(await lost).toMatchObject({ willReconnect: true });
    const answer = client.sendFrameworkRequest(once, 7, 5_000);
    proxy.faults = {};
    expect(await answer).toBe("answer 7");
    expect(server.clients()).toHaveLength(1);
  });

  test("a connection that is quiet but whole is not given up", async () => {
    const { server, client: connect } = await openNetwork({ latencyMs: 20 }, limits);
    recordRuns(server, () => 0);
    const client = await connect("quiet");
    let losses = 0;
    client.onClose(() => void losses++);
    let pings = 0;
    const { subscribe, unsubscribe } = await import("node:diagnostics_channel");
    const count = (): void => void pings++;
    subscribe("crosswire:frame:in", count);
    onTestFinished(() => void unsubscribe("crosswire:frame:in", count));
    await until(() => pings > 8, "several pings and pongs");
    expect(await client.sendFrameworkRequest(once, 1)).toBe("answer 1");
    expect(losses).toBe(0);
  });
});

describe("a connection that dies after so many bytes", () => {
  test.each([
    { how: "a RST to both ends", at: (bytes: number) => ({ resetAfterBytes: bytes }) },
    { how: "a FIN to the receiver", at: (bytes: number) => ({ endAfterBytes: bytes }) },
  ])("by $how fails by name wherever that is, and leaves the server as it was", async ({ at }) => {
    const { server, proxy, client: connect } = await openNetwork();
    recordRuns(server, () => 0);
    const codes = new Set<string>();
    for (let bytes = 0; bytes < 1_500; bytes += 31) {
      proxy.faults = inTurn(bytes, at(bytes));
      const outcome = await within(attempt(connect, bytes), `the end after ${bytes} bytes`);
      codes.add(outcome);
    }
    proxy.faults = {};
    // Before the WebSocket is open, while it is, and when all that was to be sent was sent.
    for (const code of codes) {
      expect(code).toMatch(NAMED_END);
    }
    expect(codes.size).toBeGreaterThan(2);
    const client = await connect("whole");
    expect(await client.sendFrameworkRequest(once, -1)).toBe("answer -1");
    await until(() => server.clients().length === 1, "the server to forget the others");
  });

  async function attempt(connect: Network["client"], id: number): Promise<string> {
    try {
      const client = await connect("cut");
      const answer = await client.sendFrameworkRequest(once, id);
      await client.disconnect();
      return answer === `answer ${id}` ? "answered" : answer;
    } catch (error) {
      return (error as CrosswireError).code;
    }
  }
});

test("one wrong bit ends in an answer or a named error, never in a hang or a crash", async () => {
  const limits = {
    callTimeoutMs: 250,
    connectTimeoutMs: 250,
    helloTimeoutMs: 250,
    heartbeatQuietMs: 100,
    heartbeatReplyMs: 100,
  };
  const { server, proxy, client: connect } = await openNetwork({}, limits);
  recordRuns(server, () => 0);
  const attempt = async (flipAfterBytes: number): Promise<void> => {
    proxy.faults = inTurn(flipAfterBytes, { flipAfterBytes });
    const call = connect(`flip-${flipAfterBytes}`).then((client) =>
      client.sendFrameworkRequest(once, flipAfterBytes),
    );
    const outcome = call.catch((error: unknown) => error);
    const settled = await within(outcome, `bit ${flipAfterBytes} (seed ${SEED})`, 3_000);
    if (typeof settled !== "string") expect(settled).toSatisfy(isCrosswireError);
  };
  for (let at = 0; at < 1_400; at += 17) await attempt(at);
  proxy.faults = {};
  const client = await connect("whole");
  expect(await client.sendFrameworkRequest(once, -1)).toBe("answer -1");
});
