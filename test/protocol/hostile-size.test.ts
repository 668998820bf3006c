// Too much of something: bytes, fragments, compression, items of a stream. Each limit closes the
// connection by name before the memory of the server grows.

import { DEFAULT_LIMITS, IPCClient, IPCServer } from "crosswire";
import { describe, expect, test } from "vitest";
import { openTarget } from "../fixtures/hostile-target.ts";
import { clientFrame, type RawWebSocket, upgrade } from "../fixtures/raw-websocket.ts";
import { deferred, until, within } from "../fixtures/wait.ts";

const MIB = 1024 * 1024;
const CONTINUATION = 0;
const BINARY = 2;
const ofClient = IPCClient.defineStream<void>("size/produced");
const consumed = IPCServer.defineStream<void, string>("size/consumed");
const uploaded = IPCServer.defineStream<void, never>("size/uploaded");

/** Writes on, whatever the other side says, and never holds more than one piece. */
async function pour({ raw: { socket } }: RawWebSocket, bytes: number): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, "a");
  for (let poured = 0; poured < bytes && socket.writable; poured += piece.length) {
    await new Promise((resolve) => socket.write(piece, resolve));
  }
}

function itemFrame(head: string, bytes: Uint8Array): Buffer {
  return clientFrame(Buffer.concat([Buffer.from(head), Buffer.of(0xff), bytes]), {
    opcode: BINARY,
  });
}

describe("a frame of 100 MiB", () => {
  test("is refused with 1009 as soon as its length is announced", async () => {
    const target = await openTarget();
    const raw = await target.attacker();
    raw.send("r:1:target/echo:", { announcedBytes: 100 * MIB });
    expect(await raw.closed()).toBe(1009);
    await target.serves();
  });

  test("is not kept in memory when it is really sent", async () => {
    const target = await openTarget();
    const raw = await target.attacker();
    const before = process.memoryUsage().rss;
    raw.send("", { announcedBytes: 100 * MIB });
    await pour(raw, 100 * MIB);
    await raw.closed();
    expect(process.memoryUsage().rss - before).toBeLessThan(96 * MIB);
    await target.serves();
  });

  test("ends the connection at once, although the sender neither answers the close nor goes", async () => {
    const target = await openTarget({ limits: { closeGraceMs: 200 } });
    const raw = await target.attacker();
    raw.send("", { announcedBytes: 100 * MIB });
    await within(
      until(() => target.ends().length > 0, "the end of the connection"),
      "the end of the connection",
      3_000,
    );
    expect(target.server.clients()).toHaveLength(1);
  });

  test("in fragments is refused with 1009 where it passes the limit", async () => {
    const target = await openTarget({ limits: { maxFrameBytes: MIB } });
    const raw = await target.attacker();
    const half = Buffer.alloc(MIB / 2 + 1, "a");
    raw.send(half, { fin: false });
    raw.send(half, { fin: false, opcode: CONTINUATION });
    expect(await raw.closed()).toBe(1009);
    await target.serves();
  });
});

test("a message in more fragments than allowed is refused with 1008", async () => {
  const target = await openTarget();
  const raw = await target.attacker();
  const fragment = clientFrame("a", { fin: false, opcode: CONTINUATION });
  raw.send("m", { fin: false });
  raw.raw.write(Buffer.concat(Array.from({ length: DEFAULT_LIMITS.maxFragments }, () => fragment)));
  expect(await raw.closed()).toBe(1008);
  await target.serves();
});

test("a message in as many one-byte fragments as allowed is read", async () => {
  const target = await openTarget();
  const raw = await target.attacker();
  const letters = Array.from(`r:1:target/echo:"${"a".repeat(300)}"`);
  const frames = letters.map((letter, i) =>
    clientFrame(letter, { fin: i === letters.length - 1, opcode: i === 0 ? 1 : CONTINUATION }),
  );
  raw.raw.write(Buffer.concat(frames));
  expect(await raw.texts.next()).toBe(`s:1::{"success":true,"data":"${"a".repeat(300)}"}`);
});

describe("compression", () => {
  test("is not agreed to, though the client offers it", async () => {
    const { server } = await openTarget();
    const offer = { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" };
    const { status, head } = await upgrade(server, { headers: offer });
    expect(status).toBe(101);
    expect(head.toLowerCase()).not.toContain("permessage-deflate");
  });

  test("without agreement is refused with 1002, before anything is inflated", async () => {
    const target = await openTarget();
    const raw = await target.attacker();
    const { deflateRawSync } = await import("node:zlib");
    raw.send(deflateRawSync(Buffer.alloc(100 * MIB)), { rsv1: true });
    expect(await raw.closed()).toBe(1002);
    await target.serves();
  });
});

describe("a producer that sends more than it was granted is cut off with 1002", () => {
  const limits = { streamWindowBytes: 16 * 1024, maxFrameBytes: 64 * 1024 };

  async function openProducer(): Promise<{
    readonly raw: RawWebSocket;
    readonly serves: () => Promise<void>;
  }> {
    const target = await openTarget({ limits });
    const raw = await target.attacker();
    target.server.openStream("attacker", ofClient);
    expect(await raw.texts.next()).toBe("o:1:size/produced:");
    return { raw, serves: target.serves };
  }

  test.each([
    { what: "in large items", count: 3, frame: clientFrame(`n:1::"${"a".repeat(16 * 1024)}"`) },
    { what: "in many small items", count: 2_000, frame: clientFrame("n:1::1") },
    { what: "in empty items", count: 2_000, frame: clientFrame("n:1::") },
    { what: "in large pieces", count: 40, frame: itemFrame("n:1;m;b=8192::", Buffer.alloc(8192)) },
    { what: "in pieces of one byte", count: 5_000, frame: itemFrame("n:1;m;b=1::", Buffer.of(7)) },
    { what: "in empty pieces", count: 5_000, frame: itemFrame("n:1;m;b=0::", Buffer.of()) },
  ])("$what", async ({ count, frame }) => {
    const { raw, serves } = await openProducer();
    raw.raw.write(Buffer.concat(Array.from({ length: count }, () => frame)));
    expect(await raw.closed()).toBe(1002);
    await serves();
  });

  test("as the upload of a stream whose handler does not read it", async () => {
    const target = await openTarget({ limits });
    const release = deferred();
    // oxlint-disable-next-line require-yield
    target.server.onStream(uploaded, async function* () {
      await release.promise;
    });
    const raw = await target.attacker();
    raw.send("o:1;u:size/uploaded:");
    const piece = itemFrame("u:1;b=8192::", Buffer.alloc(8192));
    raw.raw.write(Buffer.concat([piece, piece, piece, piece]));
    expect(await raw.closed()).toBe(1002);
    release.resolve();
    await target.serves();
  });
});

test("credit without end does not make a producer fill the memory of its own process", async () => {
  const target = await openTarget({ limits: { closeGraceMs: 100 } });
  let produced = 0;
  const stopped = deferred();
  target.server.onStream(consumed, async function* () {
    try {
      for (;;) {
        produced += 10_000;
        yield "x".repeat(10_000);
      }
    } finally {
      stopped.resolve();
    }
  });
  const raw = await target.attacker({ streamWindowBytes: Number.MAX_SAFE_INTEGER });
  raw.stopReading();
  raw.send("o:1:size/consumed:");
  raw.send("w:1::999999999999999");
  let last = -1;
  await until(() => {
    const isStill = produced > 0 && produced === last;
    last = produced;
    return isStill;
  }, "the producer to pause");
  expect(produced).toBeLessThan(16 * MIB);
  await target.serves();
  raw.raw.reset();
  await stopped.promise;
});

test.each(["-1", "abc", "1e9", "", "0x10", "1".repeat(16)])(
  "credit of %j grants nothing",
  async (credit) => {
    const target = await openTarget();
    let items = 0;
    target.server.onStream(consumed, function* () {
      for (;;) yield `item ${++items}`;
    });
    const raw = await target.attacker({ streamWindowBytes: 1 });
    raw.send("o:1:size/consumed:");
    await raw.texts.next();
    raw.send(`w:1::${credit}`);
    raw.send("r:2:target/echo:2");
    expect(await raw.texts.next()).toBe('s:2::{"success":true,"data":2}');
    expect(items).toBe(2);
  },
);

test("one stream more than allowed ends with XW_OVERLOADED, and the others go on", async () => {
  const target = await openTarget({ limits: { maxStreams: 3 } });
  const release = deferred();
  target.server.onStream(consumed, async function* () {
    await release.promise;
    yield "released";
  });
  const raw = await target.attacker();
  for (let id = 1; id <= 4; id++) raw.send(`o:${id}:size/consumed:`);
  expect(await raw.texts.next()).toMatch(/^e:4::.*XW_OVERLOADED/);
  release.resolve();
  await target.serves();
});

test("items, ends and credit for streams that do not exist are dropped and traced", async () => {
  const target = await openTarget();
  const raw = await target.attacker();
  const frames = ["n:9::1", "e:9::", "w:9::5", "u:9::1", "f:9::", "v:9::5", "y:9::", "x:9::"];
  for (const frame of frames) raw.send(frame);
  raw.send("r:2:target/echo:2");
  expect(await raw.texts.next()).toBe('s:2::{"success":true,"data":2}');
  expect(target.dropped()).toHaveLength(frames.length);
});
