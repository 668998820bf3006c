// Streams as async iterables: items in order, and every way in which a stream ends.

import { CrosswireError, IPCServer, type TraceEvent } from "crosswire";
import { describe, expect, test } from "vitest";
import { deferred, rejection } from "../fixtures/wait.ts";
import { openPair } from "./pair.ts";
import { collect, STREAM_WAYS } from "./stream-ways.ts";

/** A producer that yields numbers until it is left, and tells when that was. */
function endless(): {
  readonly producer: (payload: unknown, context: { signal: AbortSignal }) => AsyncGenerator<number>;
  readonly left: Promise<void>;
  readonly reason: () => unknown;
} {
  const left = deferred();
  let signal: AbortSignal | undefined;
  return {
    left: left.promise,
    reason: () => signal?.reason,
    async *producer(_, context) {
      signal = context.signal;
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        left.resolve();
      }
    },
  };
}

describe.each(STREAM_WAYS)("$way", ({ open }) => {
  test("gives its items in order, then ends", async () => {
    const way = await open();
    way.produce(async function* (payload) {
      for (let n = 0; n < Number(payload); n++) yield { n };
    });
    const items = await collect(way.open(10_000));
    expect(items).toEqual(Array.from({ length: 10_000 }, (_, n) => ({ n })));
  });

  test("gives nothing when nothing is produced", async () => {
    const way = await open();
    way.produce(async function* () {});
    expect(await collect(way.open())).toEqual([]);
  });

  test("may be produced from a plain list, or a promise of an iterable", async () => {
    const way = await open();
    way.produce(() => [1, 2, 3]);
    expect(await collect(way.open())).toEqual([1, 2, 3]);
    way.produce(async () => new Set(["a", "b"]).values() as unknown as AsyncIterable<string>);
    expect(await collect(way.open())).toEqual(["a", "b"]);
  });

  test("carries undefined, null and bytes as items", async () => {
    const way = await open();
    way.produce(() => [undefined, null, 0, new Uint8Array([1, 2])]);
    const items = await collect(way.open());
    expect(items).toEqual([undefined, null, 0, expect.any(Uint8Array)]);
    expect([...(items[3] as Uint8Array)]).toEqual([1, 2]);
  });

  test("gives the items that came before to readers that wait side by side", async () => {
    const way = await open();
    way.produce(() => ["a", "b", "c"]);
    const stream = way.open();
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(results.map(({ value }) => value)).toEqual(["a", "b", "c", undefined]);
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true]);
  });

  test("runs the producer's finally and aborts its signal when the consumer breaks", async () => {
    const way = await open();
    const { producer, left, reason } = endless();
    way.produce(producer);
    const seen: unknown[] = [];
    for await (const item of way.open()) {
      seen.push(item);
      if (seen.length === 3) break;
    }
    await left;
    expect(seen).toEqual([0, 1, 2]);
    expect(reason()).toMatchObject({ code: "XW_CANCELLED" });
  });

  test("ends for a consumer that throws", async () => {
    const way = await open();
    const { producer, left } = endless();
    way.produce(producer);
    const consume = async (): Promise<void> => {
      for await (const item of way.open()) throw new Error(`cannot use ${String(item)}`);
    };
    await expect(consume()).rejects.toThrow("cannot use 0");
    await left;
  });

  test("ends when it is disposed of", async () => {
    const way = await open();
    const { producer, left } = endless();
    way.produce(producer);
    {
      await using stream = way.open();
      await stream.next();
    }
    await left;
  });

  test("is done after return(), whatever else came", async () => {
    const way = await open();
    way.produce(endless().producer);
    const stream = way.open();
    await stream.next();
    await stream.return?.();
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("lets a producer that waits see by its signal that it is not wanted any more", async () => {
    const way = await open();
    const aborted = deferred<unknown>();
    way.produce(async function* (_, { signal }) {
      yield "first";
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      aborted.resolve(signal.reason);
    });
    for await (const _ of way.open()) break;
    expect(await aborted.promise).toMatchObject({ code: "XW_CANCELLED" });
  });

  test("gives what was produced before an error, then the error once, then ends", async () => {
    const way = await open();
    way.produce(async function* () {
      yield 1;
      yield 2;
      throw Object.assign(new RangeError("no third"), { code: "E3" });
    });
    const stream = way.open();
    expect([(await stream.next()).value, (await stream.next()).value]).toEqual([1, 2]);
    const error = await rejection(stream.next());
    expect(error).toBeInstanceOf(CrosswireError);
    expect(error).toMatchObject({
      code: "XW_REMOTE",
      path: way.path,
      message: expect.stringContaining("no third") as string,
      detail: { name: "RangeError", code: "E3" },
    });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test("names the item's property that cannot be sent, and ends", async () => {
    const way = await open();
    way.produce(() => [{ id: 1 }, { id: 2n }]);
    const stream = way.open();
    await stream.next();
    expect(String(await rejection(stream.next()))).toContain('"id" is a BigInt');
  });

  test("says so when the producer returns nothing that can be iterated", async () => {
    const way = await open();
    way.produce((() => "letters") as never);
    expect(String(await rejection(way.open().next()))).toContain("returned no iterable");
  });

  test("says so when nobody produces it", async () => {
    const way = await open();
    expect(await rejection(way.open().next())).toMatchObject({
      code: "XW_NO_HANDLER",
      message: expect.stringContaining(`no handler for "${way.path}"`) as string,
    });
  });

  test("rejects a payload that cannot be sent where the items are read", async () => {
    const way = await open();
    way.produce(() => []);
    expect(await rejection(way.open({ a: [1n] }).next())).toMatchObject({
      code: "XW_ENCODE",
      message: expect.stringContaining('"a[0]"') as string,
    });
  });

  test("sends nothing when its signal is aborted already", async () => {
    const frames: TraceEvent[] = [];
    const trace = (event: TraceEvent): void => {
      if (event.event === "frame:out") frames.push(event);
    };
    const way = await open({ server: { trace }, client: { trace } });
    await way.roundTrip();
    const before = frames.length;
    const stream = way.open(1, { signal: AbortSignal.abort("not today") });
    expect(await rejection(stream.next())).toBe("not today");
    expect(frames).toHaveLength(before);
  });

  test("rejects with the reason of its signal, and the producer is left", async () => {
    const way = await open();
    const { producer, left } = endless();
    way.produce(producer);
    const controller = new AbortController();
    const failure = rejection(drain(way.open(1, { signal: controller.signal })));
    await way.roundTrip();
    controller.abort("enough");
    expect(await failure).toBe("enough");
    await left;
  });

  test("rejects when it is not over in its time, and the producer is left", async () => {
    const way = await open();
    const { producer, left } = endless();
    way.produce(producer);
    expect(await rejection(drain(way.open(1, { timeoutMs: 30 })))).toMatchObject({
      code: "XW_TIMEOUT",
      path: way.path,
    });
    await left;
  });

  test("tells the producer how much time there is", async () => {
    const way = await open();
    way.produce((_, { remainingMs }) => [remainingMs]);
    const [bounded] = await collect(way.open(1, { timeoutMs: 5_000 }));
    expect(bounded).toBeGreaterThan(0);
    expect(bounded).toBeLessThanOrEqual(5_000);
    way.produce((_, { remainingMs }) => [String(remainingMs)]);
    expect(await collect(way.open())).toEqual(["Infinity"]);
  });

  test("fails at both ends when the connection breaks", async () => {
    const way = await open();
    const { producer, left, reason } = endless();
    way.produce(producer);
    const stream = way.open();
    await stream.next();
    await way.pair.server.close({ graceMs: 0 });
    const codes = ["XW_CONNECTION_LOST", "XW_CLOSED"];
    const failure = rejection(drain(stream));
    await left;
    expect(codes).toContain(((await failure) as CrosswireError).code);
    expect(codes).toContain((reason() as CrosswireError).code);
  });
});

test("the timeout of a definition bounds the whole stream", async () => {
  const { server, client } = await openPair();
  const ticks = IPCServer.defineStream<void, number>("streams/bounded", { timeoutMs: 25 });
  server.onStream(ticks, endless().producer);
  expect(await rejection(drain(client.openStream(ticks)))).toMatchObject({ code: "XW_TIMEOUT" });
});

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}
