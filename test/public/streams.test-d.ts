// What the compiler refuses and infers about streams: their items and their uploads. Read by tsc, never run.

import { type CallContext, IPCClient, IPCServer, type ItemStream } from "crosswire";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

interface Line {
  readonly text: string;
}

const tail = IPCServer.defineStream<{ readonly from: number }, Line>("types/tail");
const upper = IPCServer.defineStream<void, string, string>("types/upper");
const watch = IPCClient.defineStream<string, number>("types/watch");

declare const server: IPCServer;
declare const client: IPCClient;
declare const lines: AsyncIterable<string>;
declare const bytes: AsyncIterable<Uint8Array>;

test("the items of a stream have the type of its definition", () => {
  const opened = client.openStream(tail, { from: 1 });
  expectTypeOf(opened).toEqualTypeOf<ItemStream<Line>>();
  expectTypeOf(server.openStream("w", watch, "file")).toEqualTypeOf<ItemStream<number>>();
});

test("an opened stream is disposable", () => {
  expectTypeOf(client.openStream(tail, { from: 1 })).toExtend<AsyncDisposable>();
});

test("a stream of the other side is refused", () => {
  // @ts-expect-error clients produce it
  client.openStream(watch, "file");
  // @ts-expect-error the server produces it
  server.openStream("w", tail, { from: 1 });
  // @ts-expect-error clients produce it
  server.onStream(watch, async function* () {});
  // @ts-expect-error the server produces it
  client.onStream(tail, async function* () {});
});

test("the payload of a stream is checked", () => {
  // @ts-expect-error it is a number
  client.openStream(tail, { from: "start" });
  // @ts-expect-error it is missing
  client.openStream(tail);
  client.openStream(upper);
});

test("a producer yields items of the definition", () => {
  server.onStream(tail, async function* (payload, context) {
    expectTypeOf(payload).toEqualTypeOf<{ readonly from: number }>();
    expectTypeOf(context).toEqualTypeOf<CallContext<Uint8Array>>();
    yield { text: "line" };
  });
  server.onStream(tail, () => [{ text: "line" }]);
  // @ts-expect-error an item is a Line
  server.onStream(tail, async function* () {
    yield "line";
  });
  // @ts-expect-error a stream has items
  server.onStream(tail, async () => ({ text: "line" }));
});

test("an upload has the type of its definition, on both sides", () => {
  client.openStream(upper, undefined, { upload: lines });
  server.onStream(upper, async function* (_payload, context) {
    expectTypeOf(context.upload).toEqualTypeOf<AsyncIterable<string>>();
    for await (const line of context.upload) yield line.toUpperCase();
  });
  // @ts-expect-error it takes strings
  client.openStream(upper, undefined, { upload: bytes });
});

test("an upload is bytes unless the definition says otherwise", () => {
  client.openStream(tail, { from: 1 }, { upload: bytes });
  // @ts-expect-error it takes bytes
  client.openStream(tail, { from: 1 }, { upload: lines });
});

test("the schema of a stream is that of its items", () => {
  const rows = IPCServer.defineStream("types/rows", {
    input: z.object({ table: z.string() }),
    output: z.object({ at: z.string().transform((text) => text.length) }),
  });
  const opened = client.openStream(rows, { table: "t" });
  expectTypeOf(opened).toEqualTypeOf<ItemStream<{ at: number }>>();
  server.onStream(rows, async function* (payload) {
    expectTypeOf(payload).toEqualTypeOf<{ table: string }>();
    yield { at: "text" };
  });
});
