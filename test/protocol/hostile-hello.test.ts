// The beginning of a conversation with somebody who does not play along: other versions, nonsense for a
// hello, none at all, and connections that are reset at every step of the handshake.

import { connect } from "node:net";
import { IPCServer } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { helloFrame, openTarget, type Target } from "../fixtures/hostile-target.ts";
import { clientFrame, upgrade, upgradeRequest } from "../fixtures/raw-websocket.ts";
import { RawSocket } from "../fixtures/raw-socket.ts";
import { deferred, until, within } from "../fixtures/wait.ts";

const CLOSED_FOR_VERSION = 4002;
const CLOSED_FOR_SILENCE = 4003;

describe("another version of the protocol", () => {
  test.each(["2", "0", "1.0", "", "latest", "1, 2"])(
    "is refused with 426 when the upgrade announces %j",
    async (version) => {
      const target = await openTarget();
      const headers = { "Crosswire-Protocol": version };
      const { status, body } = await upgrade(target.server, { headers });
      expect(status).toBe(426);
      expect(JSON.parse(body)).toMatchObject({ code: "XW_VERSION" });
      await target.serves();
    },
  );

  test.each([0, 2, 1.5, -1, 1e9])(
    "closes the connection when the hello says %j",
    async (version) => {
      const target = await openTarget();
      const raw = await target.silentAttacker();
      raw.send(helloFrame({ version }));
      expect(await raw.closed()).toBe(CLOSED_FOR_VERSION);
      expect(target.server.clients()).toHaveLength(1);
      await target.serves();
    },
  );
});

describe("a hello that is none closes the connection", () => {
  test.each([
    "",
    "null",
    "[]",
    "1",
    '"hello"',
    "{}",
    '{"version":1}',
    '{"version":"1"}',
    '{"version":1,',
    helloWith({ extensions: "stream" }),
    helloWith({ extensions: null }),
    helloWith({ maxFrameBytes: -1 }),
    helloWith({ maxFrameBytes: "1" }),
    helloWith({ callTimeoutMs: 0 }),
    helloWith({ streamWindowBytes: null }),
    helloWith({ instanceId: 7 }),
    "[".repeat(200),
  ])("%j", async (hello) => {
    const target = await openTarget();
    const raw = await target.silentAttacker();
    raw.send(`m::$hello:${hello}`);
    expect(await raw.closed()).toBe(CLOSED_FOR_VERSION);
    expect(target.server.clients()).toHaveLength(1);
    await target.serves();
  });
});

test("a hello with extensions that do not exist is accepted for those that do", async () => {
  const target = await openTarget();
  const extensions = ["stream", "teleport", "__proto__", 7, null];
  const raw = await target.attacker({ extensions });
  raw.send("r:1:target/echo:1");
  expect(await raw.texts.next()).toBe('s:1::{"success":true,"data":1}');
});

test("a second hello changes nothing", async () => {
  const target = await openTarget();
  const raw = await target.attacker();
  raw.send(helloFrame({ version: 2, maxFrameBytes: 1, extensions: [] }));
  raw.send("r:1:target/echo:1");
  expect(await raw.texts.next()).toBe('s:1::{"success":true,"data":1}');
  expect(target.dropped()).toEqual(["an unexpected hello"]);
});

test("a hello of a peer that announced none in its upgrade is dropped", async () => {
  const target = await openTarget();
  const raw = await target.baseAttacker();
  raw.send(helloFrame());
  raw.send("r:1:target/echo:1");
  expect(await raw.texts.next()).toBe('s:1:target/echo:{"success":true,"data":1}');
  expect(target.dropped()).toEqual(["an unexpected hello"]);
});

test("a peer that owes a hello and says nothing is closed in time, and nobody heard of it", async () => {
  const target = await openTarget({ limits: { helloTimeoutMs: 100 } });
  const connected: unknown[] = [];
  target.server.onClientConnect((client) => void connected.push(client));
  const raw = await target.silentAttacker();
  expect(await within(raw.closed(), "the close", 2_000)).toBe(CLOSED_FOR_SILENCE);
  expect(connected).toEqual([]);
});

test("a peer that does everything but say hello is closed in time too", async () => {
  const target = await openTarget({ limits: { helloTimeoutMs: 100 } });
  const raw = await target.silentAttacker();
  const timer = setInterval(() => raw.ping(), 10);
  onTestFinished(() => clearInterval(timer));
  expect(await within(raw.closed(), "the close", 2_000)).toBe(CLOSED_FOR_SILENCE);
});

test("silent peers count against the limit of clients", async () => {
  const target = await openTarget({ limits: { maxClients: 3 } });
  await target.silentAttacker();
  await target.silentAttacker();
  const { status } = await upgrade(target.server);
  expect(status).toBe(503);
  await target.serves();
});

describe("a connection that is reset", () => {
  test.each([
    { stage: "before it sent anything", send: () => [] },
    { stage: "in its request line", send: () => ["GET /__cross"] },
    { stage: "in its headers", send: (head: string) => [head.slice(0, head.length / 2)] },
    { stage: "before the last line break", send: (head: string) => [head.slice(0, -2)] },
    { stage: "before it read the answer", send: (head: string) => [head] },
    {
      stage: "with a frame right behind the head",
      send: (head: string) => [head, clientFrame(helloFrame())],
    },
    {
      stage: "in the header of a frame",
      send: (head: string) => [head, clientFrame(helloFrame()).subarray(0, 1)],
    },
    {
      stage: "in its hello",
      send: (head: string) => [head, clientFrame(helloFrame()).subarray(0, 40)],
    },
    {
      stage: "behind its first request",
      send: (head: string) => [
        head,
        clientFrame(helloFrame()),
        clientFrame("r:1:hello/slow:"),
        clientFrame("r:2:target/echo:1").subarray(0, 9),
      ],
    },
  ])("$stage leaves nothing behind and nobody disturbed", async ({ send }) => {
    const target = await openTarget();
    const cancelled = deferred();
    serveSlowly(target, cancelled.resolve);
    const head = upgradeRequest(target.server, { headers: { "Crosswire-Protocol": "1" } });
    for (const waits of [false, true]) {
      const raw = await RawSocket.connect(target.server.getPort());
      const pieces = send(head);
      for (const piece of pieces) raw.write(piece);
      // Either what was sent is still on its way, or it was read and perhaps answered.
      if (waits) await target.serves();
      raw.reset();
      await until(() => raw.socket.destroyed, "the reset");
    }
    await target.serves();
    await until(() => target.server.clients().length === 1, "the server to forget it");
    if (send(head).length === 4) await cancelled.promise;
  });

  test("while it is refused leaves nothing behind either", async () => {
    const target = await openTarget();
    const head = upgradeRequest(target.server, { headers: { Authorization: undefined } });
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const raw = await RawSocket.connect(target.server.getPort());
        raw.write(head);
        raw.reset();
      }),
    );
    await target.serves();
  });
});

test("connections that end in the middle of the handshake do not keep close() waiting", async () => {
  const target = await openTarget();
  const half = connect(target.server.getPort(), "127.0.0.1");
  onTestFinished(() => void half.destroy());
  half.on("error", () => {});
  await until(half, "connect");
  half.write("GET /__crosswire/ipc HTTP/1.1\r\nHost: local");
  await target.silentAttacker();
  await target.serves();
  await within(target.server.close({ graceMs: 0 }), "the server to close", 3_000);
});

function helloWith(changes: Readonly<Record<string, unknown>>): string {
  return helloFrame(changes).slice("m::$hello:".length);
}

function serveSlowly({ server }: Target, onCancel: () => void): void {
  const slow = IPCServer.defineRequest<void, void>("hello/slow");
  server.onFrameworkMessage(slow, async (_, { signal }) => {
    signal.addEventListener("abort", onCancel);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
}
