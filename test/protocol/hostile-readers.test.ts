// Peers that connect and then never read. What is sent to them piles up on our side, but only up to a
// limit; then the connection is closed with a reason, and nobody else notices.

import { IPCClient, IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { openTarget } from "../fixtures/hostile-target.ts";
import { clientFrame } from "../fixtures/raw-websocket.ts";
import { until, within } from "../fixtures/wait.ts";
import { openClient } from "../public/pair.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
/** More than the operating system and our limits take together. */
const ENOUGH_BYTES = 64 * MIB;
const PING = 9;
const UNREAD = { code: 1013, reason: expect.stringMatching(/unread|not read/) as string };
const SILENT = { code: 4003, reason: expect.stringContaining("no sign of life") as string };
const limits = {
  softQueueBytes: MIB,
  hardQueueBytes: 4 * MIB,
  heartbeatQuietMs: 200,
  heartbeatReplyMs: 200,
  closeGraceMs: 200,
};
const big = IPCServer.defineRequest<void, string>("readers/big");
const news = IPCClient.defineMessage<string>("readers/news");
const ask = IPCClient.defineRequest<string, void>("readers/ask");

function grownBy(before: number): number {
  const { rss } = process.memoryUsage();
  return rss - before;
}

test("who asks for big answers and never reads them is closed with 1013", async () => {
  const target = await openTarget({ limits });
  target.server.onFrameworkMessage(big, () => "x".repeat(MIB));
  const raw = await target.attacker({ maxFrameBytes: 2 * MIB });
  raw.stopReading();
  const before = process.memoryUsage().rss;
  for (let id = 1; id <= 500; id++) raw.send(`r:${id}:readers/big:`);
  await until(() => target.ends().length > 0, "the end of the connection");
  expect(target.ends()).toEqual([UNREAD]);
  expect(grownBy(before)).toBeLessThan(128 * MIB);
  await target.serves();
});

test("who never reads broadcasts is left out, then closed as silent, while others hear them all", async () => {
  const target = await openTarget({ limits });
  const raw = await target.attacker();
  raw.stopReading();
  const listener = await openClient(target.server, "listener");
  let heard = 0;
  listener.onMessage(news, () => void heard++);
  await until(() => target.server.clients().length === 3, "the listener");
  const before = process.memoryUsage().rss;
  const text = "n".repeat(256 * KIB);
  let sent = 0;
  let reached = 3;
  while (reached === 3 || sent < 64) {
    reached = target.server.broadcast(news, text);
    sent++;
    await target.server.drain("listener");
    await target.serves();
  }
  await until(() => heard === sent, "the last broadcast");
  await until(() => target.ends().length > 0, "the end of the connection");
  expect(target.ends()).toEqual([SILENT]);
  expect(grownBy(before)).toBeLessThan(128 * MIB);
});

test("calls to somebody who never reads are refused with XW_OVERLOADED before memory grows", async () => {
  const target = await openTarget({ limits: { ...limits, heartbeatQuietMs: 10_000 } });
  const raw = await target.attacker();
  raw.stopReading();
  const codes = new Map<string, number>();
  const calls = Array.from({ length: 300 }, () =>
    target.server
      .sendFrameworkMessage("attacker", ask, "a".repeat(256 * KIB), { timeoutMs: 500 })
      .catch(({ code }: { code: string }) => codes.set(code, 1 + (codes.get(code) ?? 0))),
  );
  await Promise.all(calls);
  expect([...codes.keys()].toSorted()).toEqual(["XW_OVERLOADED", "XW_TIMEOUT"]);
  expect(codes.get("XW_OVERLOADED")).toBeGreaterThan(200);
  await target.serves();
});

test("who sends pings and never reads the pongs is cut off", async () => {
  const target = await openTarget({ limits });
  const raw = await target.attacker();
  raw.stopReading();
  const ping = clientFrame("p".repeat(125), { opcode: PING });
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
  const before = process.memoryUsage().rss;
  for (let sent = 0; sent < ENOUGH_BYTES && target.ends().length === 0; sent += pings.length) {
    await new Promise((resolve) => raw.raw.socket.write(pings, resolve));
  }
  expect(target.ends()).toEqual([{ code: 1006, reason: "" }]);
  expect(grownBy(before)).toBeLessThan(128 * MIB);
  await target.serves();
});

test("who asks what nobody answers and never reads the errors is closed with 1013", async () => {
  const target = await openTarget({ limits });
  const raw = await target.baseAttacker();
  raw.stopReading();
  const path = "p".repeat(256);
  let id = 0;
  while (id * path.length < ENOUGH_BYTES && target.ends().length === 0) {
    const requests = Array.from({ length: 200 }, () => clientFrame(`r:${++id}:${path}:`));
    await new Promise((resolve) => raw.raw.socket.write(Buffer.concat(requests), resolve));
  }
  // What was written may not have been read by then.
  await until(() => target.ends().length > 0, "the server to close it");
  expect(target.ends()).toEqual([UNREAD]);
  await target.serves();
});

test("who never reads does not keep close() waiting", async () => {
  const target = await openTarget({ limits: { ...limits, hardQueueBytes: 64 * MIB } });
  target.server.onFrameworkMessage(big, () => "x".repeat(MIB));
  const raw = await target.attacker({ maxFrameBytes: 2 * MIB });
  raw.stopReading();
  for (let id = 1; id <= 20; id++) raw.send(`r:${id}:readers/big:`);
  await target.serves();
  await within(target.server.close({ graceMs: 0 }), "the server to close", 3_000);
  expect(target.ends()).toHaveLength(1);
});
