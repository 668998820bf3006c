// More calls than anybody can answer: those beyond the limits are refused by name at once, and neither
// side's memory grows with their number.

import { IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { startChild } from "../fixtures/child.ts";
import { helloFrame, openTarget } from "../fixtures/hostile-target.ts";
import { RawWebSocket } from "../fixtures/raw-websocket.ts";
import { until } from "../fixtures/wait.ts";
import { openPair } from "../public/pair.ts";

const MIB = 1024 * 1024;
const never = IPCServer.defineRequest<number, void>("flood/never");

/**
 * Requests `from` to `to`, many in a frame, waiting whenever the socket is full. Who does not read the refusals
 * as fast as they come is cut off, so `isAhead` says when to wait for them.
 */
async function flood(
  { raw, send }: Flooder,
  from: number,
  to: number,
  isAhead: (sent: number) => boolean = () => false,
): Promise<void> {
  const perFrame = 1_000;
  for (let id = from; id <= to; id += perFrame) {
    const last = Math.min(id + perFrame - 1, to);
    const ids = Array.from({ length: last - id + 1 }, (_, i) => id + i);
    send(ids.map((each) => `r:${each}:flood/never:1`).join("\n"));
    if (raw.socket.writableNeedDrain) await until(raw.socket, "drain");
    if (isAhead(last)) await until(() => !isAhead(last), "the refusals to catch up");
  }
}

type Flooder = Pick<RawWebSocket, "raw"> & { readonly send: (text: string) => void };

function flooder(ws: RawWebSocket): Flooder {
  return { raw: ws.raw, send: (text) => ws.send(text) };
}

function countRefusals(text: string): number {
  return text.split('"xw":"XW_OVERLOADED"').length - 1;
}

test("100,000 calls to a handler that never answers: 500 run, the others are refused by name", async () => {
  const target = await openTarget({ limits: { maxRunningCalls: 500 } });
  let runs = 0;
  target.server.onFrameworkMessage(never, () => {
    runs++;
    return new Promise<void>(() => {});
  });
  const raw = await target.attacker();
  let refused = 0;
  raw.onText = (text) => (refused += countRefusals(text));
  const before = process.memoryUsage().rss;
  await flood(flooder(raw), 1, 100_000);
  await until(() => refused === 99_500, "the refusals");
  expect(runs).toBe(500);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * MIB);
  await target.serves();
});

test("150,000 calls leave a server with a heap of 64 MB alive and answering", async () => {
  const child = startChild("never-answering-server.ts", {
    // Without stack traces a refusal costs a third, and the test as much less time.
    execArgv: ["--max-old-space-size=64", "--stack-trace-limit=0"],
  });
  const { port, token } = JSON.parse(await child.lines.next()) as { port: number; token: string };
  const address = { token, getPort: () => port };
  const raw = await RawWebSocket.open(address, { headers: { "Crosswire-Protocol": "1" } });
  let refused = 0;
  raw.onText = (text) => (refused += countRefusals(text));
  raw.send(helloFrame({ callTimeoutMs: 1e9 }));
  await flood(flooder(raw), 1, 150_000, (sent) => sent - refused > 60_000);
  await until(() => refused === 140_000, "the refusals");
  const other = await RawWebSocket.open(address);
  other.send("r:1:flood/echo:7");
  expect(await other.texts.next()).toBe('s:1:flood/echo:{"success":true,"data":7}');
  child.tell("runs?");
  expect(await child.lines.next()).toBe("10000");
  expect(child.process.exitCode).toBeNull();
});

test("our own client refuses calls beyond the limit at once and keeps the others", async () => {
  const { client } = await openPair({ client: { limits: { maxPendingCalls: 1_000 } } });
  const outcomes = new Map<string, number>();
  const calls = Array.from({ length: 20_000 }, (_, i) =>
    client
      .sendFrameworkRequest(never, i, { timeoutMs: 60_000 })
      .catch(({ code }: { code: string }) => outcomes.set(code, 1 + (outcomes.get(code) ?? 0))),
  );
  await until(() => outcomes.get("XW_OVERLOADED") === 19_000, "the refusals");
  await client.disconnect();
  await Promise.all(calls);
  expect(Object.fromEntries(outcomes)).toEqual({ XW_CLOSED: 1_000, XW_OVERLOADED: 19_000 });
});
