// Flow control of streams: nobody gets further ahead than the window, and nothing small waits behind bulk.

import { IPCServer } from "crosswire";
import { describe, expect, test } from "vitest";
import { deferred, until } from "../fixtures/wait.ts";
import { openPair } from "./pair.ts";
import { collect, STREAM_WAYS, type StreamWay } from "./stream-ways.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const WINDOW = 32 * KIB;
const LIMITS = { limits: { streamWindowBytes: WINDOW } };
const SMALL_WINDOW = { server: LIMITS, client: LIMITS };
const TRIPS = 30;

/** After so many turns of both sides, a producer that could go on would have gone on. */
async function roundTrips(way: StreamWay): Promise<void> {
  for (let i = 0; i < TRIPS; i++) await way.roundTrip();
}

describe.each(STREAM_WAYS)("$way", ({ open }) => {
  test("lets its producer get ahead of a slow consumer by the window, and no further", async () => {
    const way = await open(SMALL_WINDOW);
    const item = "x".repeat(KIB);
    const total = 2_000;
    let produced = 0;
    way.produce(async function* () {
      for (; produced < total; produced++) yield item;
    });
    const stream = way.open();
    await stream.next();

    await roundTrips(way);
    const ahead = produced;
    await roundTrips(way);

    expect(produced).toBe(ahead);
    // One item is in the producer's hands, and the last one may overdraw what was granted.
    expect(ahead).toBeLessThanOrEqual(WINDOW / KIB + 2);
    expect(ahead).toBeGreaterThan(WINDOW / KIB / 2);
    expect((await collect(stream)).length).toBe(total - 1);
  });

  test("keeps an uploader waiting for a slow handler in the same way", async () => {
    const way = await open(SMALL_WINDOW);
    const chunk = new Uint8Array(KIB);
    const total = 1_000;
    const release = deferred();
    let uploaded = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (; uploaded < total; uploaded++) yield chunk;
    }
    way.produce(async function* (_, { upload }) {
      await release.promise;
      let bytes = 0;
      for await (const piece of upload) bytes += (piece as Uint8Array).byteLength;
      yield bytes;
    });
    const sum = collect(way.open(1, { upload: source() }));

    await roundTrips(way);
    const ahead = uploaded;
    await roundTrips(way);
    expect(uploaded).toBe(ahead);
    expect(ahead).toBeLessThanOrEqual(WINDOW / KIB + 2);
    release.resolve();

    expect(await sum).toEqual([total * KIB]);
  });

  test("takes an item that is larger than the whole window", async () => {
    const way = await open(SMALL_WINDOW);
    const large = "y".repeat(4 * WINDOW);
    way.produce(() => [large, "small", large]);
    const items = (await collect(way.open())) as string[];
    expect(items.map((item) => item.length)).toEqual([4 * WINDOW, 5, 4 * WINDOW]);
  });

  test("keeps the boundaries of byte items of 1 MB", async () => {
    const way = await open();
    const sizes = [MIB, 1, MIB + 1, 0, 64 * KIB, 64 * KIB + 1];
    way.produce(function* () {
      for (const [n, size] of sizes.entries()) yield new Uint8Array(size).fill(n + 1);
    });
    const items = (await collect(way.open())) as Uint8Array[];
    expect(items.map((item) => item.byteLength)).toEqual(sizes);
    for (const [n, item] of items.entries())
      expect(item.every((byte) => byte === n + 1)).toBe(true);
  });

  test("carries 32 MB of bytes unchanged, both ways at once", async () => {
    const way = await open();
    const chunk = Uint8Array.from({ length: 128 * KIB }, (_, i) => (i * 7) % 251);
    const count = 128;
    way.produce(async function* (_, { upload }) {
      for await (const piece of upload) yield piece;
    });
    let good = 0;
    function* source(): Generator<Uint8Array> {
      for (let i = 0; i < count; i++) yield chunk;
    }
    for await (const piece of way.open(1, { upload: source() })) {
      if (Buffer.compare(piece as Uint8Array, chunk) === 0) good++;
    }
    expect(good).toBe(count);
  });

  test("lets many streams run side by side, each in its own order", async () => {
    const way = await open(SMALL_WINDOW);
    way.produce(async function* (name) {
      for (let n = 0; n < 200; n++) yield `${String(name)} ${n}`;
    });
    const names = Array.from({ length: 50 }, (_, i) => `stream-${i}`);
    const all = await Promise.all(names.map((name) => collect(way.open(name))));
    for (const [i, items] of all.entries()) {
      expect(items).toEqual(Array.from({ length: 200 }, (_, n) => `${names[i]} ${n}`));
    }
  });

  test("does not hold up another stream when nobody reads it", async () => {
    const way = await open(SMALL_WINDOW);
    way.produce(async function* (count) {
      for (let n = 0; n < Number(count); n++) yield "z".repeat(KIB);
    });
    const unread = way.open(1_000);
    await unread.next();
    expect((await collect(way.open(500))).length).toBe(500);
    await unread.return?.();
  });
});

test("small calls get through between streams that send all they can", async () => {
  const { server, client } = await openPair();
  const bulk = IPCServer.defineStream<void, Uint8Array>("flow/bulk");
  const small = IPCServer.defineRequest<number, number>("flow/small");
  const chunk = new Uint8Array(256 * KIB);
  server.onFrameworkMessage(small, (n) => n);
  server.onStream(bulk, async function* () {
    for (;;) yield chunk;
  });
  let received = 0;
  const readers = Array.from({ length: 4 }, async () => {
    for await (const piece of client.openStream(bulk)) {
      received += piece.byteLength;
      if (received === Infinity) break;
    }
  });
  await until(() => received > MIB, "the streams to run");

  const behind: number[] = [];
  for (let n = 0; n < 50; n++) {
    const before = received;
    expect(await client.sendFrameworkRequest(small, n, 2_000)).toBe(n);
    behind.push(received - before);
  }
  received = Infinity;
  await Promise.all(readers);

  // Four windows may be under way when the call is made, and four more when it is answered.
  expect(Math.max(...behind)).toBeLessThan(16 * MIB);
  expect(Math.max(...behind)).toBeGreaterThan(0);
});

test("a closed window is opened again by what is read, not by what arrives", async () => {
  const { server, client } = await openPair(SMALL_WINDOW);
  const steps = IPCServer.defineStream<void, string>("flow/steps");
  let produced = 0;
  server.onStream(steps, async function* () {
    for (; produced < 500; produced++) yield "s".repeat(KIB);
  });
  const stream = client.openStream(steps);
  for (let read = 1; read <= 400; read++) {
    await stream.next();
    expect(produced - read).toBeLessThanOrEqual(WINDOW / KIB + 2);
  }
  await stream.return?.();
});
