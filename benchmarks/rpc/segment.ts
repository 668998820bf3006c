// Times one segment of one row on one peer, inside the client process. Knows no rounds or ratios.

import type { Crowd } from "./crowd.ts";
import { bytesPayload, rowPayload, smallPayload } from "./payloads.ts";
import type { PeerClient } from "./peer.ts";
import { NOTES_PER_BARRIER, type Row } from "./rows.ts";

const BLOB_BYTES = 1024 * 1024;

export interface Segment {
  /** Operations per second; in a latency row 1 / p50. */
  rate: number;
  /** User and system time of both processes, per operation. */
  cpuMicros: number;
  p50Micros?: number;
  p99Micros?: number;
  /** Only in `idle`, which has no rate. */
  kilobytes?: number;
}

export interface Side {
  client: PeerClient;
  crowd: Crowd | undefined;
}

/** The measured segment, or `undefined` when the library has nothing for this row. */
export async function measure(
  { client, crowd }: Side,
  row: Row,
  seconds: number,
): Promise<Segment | undefined> {
  switch (row.kind) {
    case "echo":
      return row.showsLatency
        ? measureLatency(client, rowPayload(row.payload), seconds)
        : measureEcho(client, rowPayload(row.payload), row.inFlight, seconds);
    case "note":
      return client.note === undefined ? undefined : measureNotes(client, seconds);
    case "blob":
      return client.blob === undefined ? undefined : measureBlobs(client, seconds);
    case "idle":
      return crowd && { rate: 0, cpuMicros: 0, kilobytes: await crowd.idleKilobytes() };
    case "broadcast":
      if (client.onTick === undefined || crowd === undefined) return undefined;
      await crowd.gather();
      return timed(client, () => crowd.broadcastFor(seconds, row.inFlight));
  }
}

async function measureLatency(
  client: PeerClient,
  payload: unknown,
  seconds: number,
): Promise<Segment> {
  const micros: number[] = [];
  const segment = await timed(client, async () => {
    const end = performance.now() + seconds * 1000;
    let now = performance.now();
    while (now < end) {
      const start = now;
      await client.echo(payload);
      now = performance.now();
      micros.push((now - start) * 1000);
    }
    return micros.length;
  });
  micros.sort((a, b) => a - b);
  const p50Micros = micros[Math.floor(micros.length * 0.5)] ?? Number.NaN;
  const p99Micros = micros[Math.floor(micros.length * 0.99)] ?? Number.NaN;
  return { ...segment, rate: 1e6 / p50Micros, p50Micros, p99Micros };
}

async function measureEcho(
  client: PeerClient,
  payload: unknown,
  inFlight: number,
  seconds: number,
): Promise<Segment> {
  return timed(client, async () => {
    const end = performance.now() + seconds * 1000;
    const lanes = Array.from({ length: inFlight }, () => echoUntil(end, client, payload));
    return (await Promise.all(lanes)).reduce((sum, count) => sum + count, 0);
  });
}

async function echoUntil(end: number, client: PeerClient, payload: unknown): Promise<number> {
  let count = 0;
  while (performance.now() < end) {
    await client.echo(payload);
    count += 1;
  }
  return count;
}

async function measureNotes(client: PeerClient, seconds: number): Promise<Segment> {
  const payload = smallPayload();
  let { notes: expected } = await client.control({ kind: "state" });
  return timed(client, async () => {
    const before = expected;
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) {
      for (let index = 0; index < NOTES_PER_BARRIER; index += 1) client.note?.(payload);
      expected += NOTES_PER_BARRIER;
      const { notes } = await client.control({ kind: "state" });
      if (notes !== expected) throw new Error(`${expected} notes were sent, ${notes} arrived.`);
    }
    return expected - before;
  });
}

async function measureBlobs(client: PeerClient, seconds: number): Promise<Segment> {
  const payload = bytesPayload(BLOB_BYTES);
  return timed(client, async () => {
    const end = performance.now() + seconds * 1000;
    let count = 0;
    while (performance.now() < end) {
      const receipt = await client.blob?.(payload);
      if (receipt?.bytes !== BLOB_BYTES) throw new Error("A blob arrived with another size.");
      count += 1;
    }
    return count;
  });
}

/** Runs `body`, which answers how many operations it completed, between two clocks. */
async function timed(client: PeerClient, body: () => Promise<number>): Promise<Segment> {
  const serverCpu = (await client.control({ kind: "state" })).cpuMicros;
  const clientCpu = process.cpuUsage();
  const start = performance.now();
  const operations = await body();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(clientCpu);
  const { cpuMicros } = await client.control({ kind: "state" });
  return {
    rate: operations / seconds,
    cpuMicros: (user + system + cpuMicros - serverCpu) / operations,
  };
}
