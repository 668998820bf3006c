// A call with an upload: what goes along, what comes back beside it, and who stops whom.

import { IPCServer } from "crosswire";
import { describe, expect, test } from "vitest";
import { deferred, rejection } from "../fixtures/wait.ts";
import { openPair } from "./pair.ts";
import { collect, STREAM_WAYS } from "./stream-ways.ts";

const KIB = 1024;

describe.each(STREAM_WAYS)("$way", ({ open }) => {
  test("takes an upload and gives items in one call", async () => {
    const way = await open();
    way.produce(async function* (prefix, { upload }) {
      for await (const word of upload) yield `${String(prefix)} ${String(word)}`;
    });
    const items = await collect(way.open("hello", { upload: ["a", "b", "c"] }));
    expect(items).toEqual(["hello a", "hello b", "hello c"]);
  });

  test("gives an item for one that was sent, before the next one is", async () => {
    const way = await open();
    way.produce(async function* (_, { upload }) {
      for await (const n of upload) yield Number(n) * 10;
    });
    const turns = [deferred(), deferred(), deferred()];
    async function* source(): AsyncGenerator<number> {
      for (const [n, turn] of turns.entries()) {
        await turn.promise;
        yield n + 1;
      }
    }
    const stream = way.open(1, { upload: source() });
    for (const [n, turn] of turns.entries()) {
      turn.resolve();
      expect((await stream.next()).value).toBe((n + 1) * 10);
    }
    expect((await stream.next()).done).toBe(true);
  });

  test("takes an upload of many windows", async () => {
    const way = await open();
    way.produce(async function* (_, { upload }) {
      let bytes = 0;
      for await (const piece of upload) bytes += (piece as Uint8Array).byteLength;
      yield bytes;
    });
    const chunk = new Uint8Array(100 * KIB);
    function* source(): Generator<Uint8Array> {
      for (let i = 0; i < 100; i++) yield chunk;
    }
    expect(await collect(way.open(1, { upload: source() }))).toEqual([100 * 100 * KIB]);
  });

  test("takes plain bytes as an upload of one item", async () => {
    const way = await open();
    way.produce(async function* (_, { upload }) {
      for await (const piece of upload) yield [...(piece as Uint8Array)];
    });
    expect(await collect(way.open(1, { upload: new Uint8Array([1, 2, 3]) as never }))).toEqual([
      [1, 2, 3],
    ]);
  });

  test("has an empty upload when none was sent", async () => {
    const way = await open();
    way.produce(async function* (_, { upload }) {
      yield (await collect(upload)).length;
    });
    expect(await collect(way.open())).toEqual([0]);
  });

  test("stops the upload when its handler stops reading, and goes on itself", async () => {
    const way = await open();
    const stopped = deferred();
    async function* source(): AsyncGenerator<number> {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        stopped.resolve();
      }
    }
    way.produce(async function* (_, { upload }) {
      for await (const n of upload) if (n === 3) break;
      await stopped.promise;
      yield "still here";
    });
    expect(await collect(way.open(1, { upload: source() }))).toEqual(["still here"]);
  });

  test("stops the upload when its handler is done without having read it", async () => {
    const way = await open();
    const stopped = deferred();
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield new Uint8Array(KIB);
      } finally {
        stopped.resolve();
      }
    }
    way.produce(() => ["no, thanks"]);
    expect(await collect(way.open(1, { upload: source() }))).toEqual(["no, thanks"]);
    await stopped.promise;
  });

  test("stops the upload when the reader breaks", async () => {
    const way = await open();
    const stopped = deferred();
    async function* source(): AsyncGenerator<number> {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        stopped.resolve();
      }
    }
    way.produce(async function* (_, { upload }) {
      yield* upload;
    });
    for await (const _ of way.open(1, { upload: source() })) break;
    await stopped.promise;
  });

  test("gives the reader the very error of its own upload, and the handler a copy", async () => {
    const way = await open();
    const bug = new Error("the file vanished");
    const seen = deferred<unknown>();
    const echoed = deferred();
    async function* source(): AsyncGenerator<number> {
      yield 1;
      await echoed.promise;
      throw bug;
    }
    way.produce(async function* (_, { upload }) {
      try {
        yield* upload;
      } catch (error) {
        seen.resolve(error);
        throw error;
      }
    });
    const stream = way.open(1, { upload: source() });
    expect((await stream.next()).value).toBe(1);
    echoed.resolve();
    expect(await rejection(stream.next())).toBe(bug);
    expect(await seen.promise).toMatchObject({
      code: "XW_REMOTE",
      message: expect.stringContaining("the file vanished") as string,
    });
  });

  test("rejects an upload that cannot be iterated where the items are read", async () => {
    const way = await open();
    way.produce(() => []);
    const error = await rejection(way.open(1, { upload: 5 as never }).next());
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain("must be bytes, an iterable or an async iterable");
  });

  test("names the property of an upload's item that cannot be sent", async () => {
    const way = await open();
    way.produce(async function* (_, { upload }) {
      yield* upload;
    });
    const error = await rejection(collect(way.open(1, { upload: [{ size: 1n }] })));
    expect(String(error)).toContain('"size" is a BigInt');
  });
});

test("an upload of a rich stream keeps its types", async () => {
  const { server, client } = await openPair();
  const days = IPCServer.defineStream<void, boolean, Date>("uploads/rich", { codec: "rich" });
  server.onStream(days, async function* (_, { upload }) {
    for await (const day of upload) yield day instanceof Date;
  });
  expect(await collect(client.openStream(days, undefined, { upload: [new Date(0)] }))).toEqual([
    true,
  ]);
});
