// The rich codec through real calls: what JSON loses and `codec: "rich"` keeps, in both directions.

import { IPCClient, IPCServer } from "crosswire";
import { expect, test } from "vitest";
import { inbox, rejection } from "../fixtures/wait.ts";
import { openPair, WORKER } from "./pair.ts";
import { collect } from "./stream-ways.ts";

const echo = IPCServer.defineRequest("rich/echo", { codec: "rich" });
const ask = IPCClient.defineRequest("rich/ask", { codec: "rich" });
const plain = IPCServer.defineRequest("rich/plain");

class Point {
  readonly x = 1;
  readonly y = 2;
}

const VALUES: readonly (readonly [string, unknown])[] = [
  ["a Date", new Date("2026-11-20T12:00:00.123Z")],
  ["an invalid Date", new Date(Number.NaN)],
  [
    "a Map",
    new Map<unknown, unknown>([
      ["a", 1],
      [{ key: true }, new Map([[1, 2]])],
    ]),
  ],
  ["a Set", new Set<unknown>([1, "two", new Set([3])])],
  ["a BigInt", 123_456_789_012_345_678_901_234_567_890n],
  ["a negative BigInt", -1n],
  ["undefined", undefined],
  ["undefined inside", { a: undefined, list: [undefined, null] }],
  ["NaN", Number.NaN],
  ["Infinity", [Infinity, -Infinity]],
  ["minus zero", -0],
  ["a URL", new URL("https://user@example.com:8080/path?q=ż#hash")],
  ["plain values", { text: "ż\n🦄", n: 1.5, yes: true, none: null, list: [[], {}] }],
  ["an object that looks like a tag", { $: ["date", 0] }],
  ["an object that has a tag's key among others", { $: ["date", 0], other: new Date(1) }],
  ["an ArrayBuffer", { buffer: new Uint8Array([1, 2]).buffer }],
  ["a Float64Array", new Float64Array([0.5, -1, Number.NaN])],
  ["an Int16Array that starts amid its buffer", new Int16Array([1, 2, 3, 4]).subarray(1, 3)],
  ["a BigInt64Array", new BigInt64Array([1n, -1n])],
  ["a DataView", new DataView(new Uint8Array([1, 2, 3]).buffer, 1)],
  ["the same object twice", ((shared) => [shared, shared])({ n: 1 })],
];

test.each(VALUES)("keeps %s in a payload and in an answer", async (_what, value) => {
  const { server, client } = await openPair();
  const received: unknown[] = [];
  server.onFrameworkMessage(echo, (payload) => {
    received.push(payload);
    return payload;
  });
  expect(await client.sendFrameworkRequest(echo, value)).toStrictEqual(value);
  expect(received).toStrictEqual([value]);
});

test("keeps them in a call to a client as well", async () => {
  const { server, client } = await openPair();
  const value = { at: new Date(0), ids: new Set([1n]), list: new Uint16Array([5]) };
  client.onFrameworkRequest(ask, (payload) => payload);
  expect(await server.sendFrameworkMessage(WORKER, ask, value)).toStrictEqual(value);
});

test("keeps nested bytes as bytes, wherever they are", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, (payload) => payload);
  const value = { head: new Uint8Array([1, 2]), list: [new Uint8Array(0), Buffer.from([3])] };
  const copy = (await client.sendFrameworkRequest(echo, value)) as typeof value;
  expect([copy.head, ...copy.list].map((bytes) => bytes instanceof Uint8Array)).toEqual([
    true,
    true,
    true,
  ]);
  expect([copy.head, ...copy.list].map((bytes) => [...bytes])).toEqual([[1, 2], [], [3]]);
});

test("keeps an Error with its name, code, data and cause, as a value", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, (payload) => payload);
  const cause = new RangeError("inner");
  const error = Object.assign(new TypeError("outer", { cause }), {
    code: "E_OUTER",
    data: { when: new Date(0) },
  });
  const copy = (await client.sendFrameworkRequest(echo, { error })) as { error: Error };
  expect(copy.error).toBeInstanceOf(Error);
  expect(copy.error).toMatchObject({
    name: "TypeError",
    message: "outer",
    code: "E_OUTER",
    data: { when: new Date(0) },
    cause: { name: "RangeError", message: "inner" },
  });
});

test("sends instances of classes as plain objects, and by their toJSON where they have one", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, (payload) => payload);
  const money = { toJSON: () => ({ euros: 5n }) };
  expect(await client.sendFrameworkRequest(echo, [new Point(), money])).toStrictEqual([
    { x: 1, y: 2 },
    { euros: 5n },
  ]);
});

test("keeps them in messages", async () => {
  const { server, client } = await openPair();
  const note = IPCServer.defineMessage("rich/note", { codec: "rich" });
  const heard = inbox<unknown>();
  server.onMessage(note, heard.put);
  client.sendMessage(note, new Map([["k", 1n]]));
  expect(await heard.next()).toStrictEqual(new Map([["k", 1n]]));
});

test("keeps them in a broadcast", async () => {
  const { server, client } = await openPair();
  const news = IPCClient.defineMessage("rich/news", { codec: "rich" });
  const heard = inbox<unknown>();
  client.onMessage(news, heard.put);
  server.broadcast(news, new Set([new Date(1)]));
  expect(await heard.next()).toStrictEqual(new Set([new Date(1)]));
});

test("keeps them as items of a stream and in its payload", async () => {
  const { server, client } = await openPair();
  const days = IPCServer.defineStream<Date>("rich/days", { codec: "rich" });
  server.onStream(days, (from) => [from, new Map([[1, from]]), undefined]);
  const from = new Date(1_000);
  expect(await collect(client.openStream(days, from))).toStrictEqual([
    from,
    new Map([[1, from]]),
    undefined,
  ]);
});

test.each([
  ["a function", { on: { click: () => 1 } }, "on.click", "a function"],
  ["a symbol", [Symbol("s")], "[0]", "a symbol"],
  ["a function in a Map", new Map([["k", () => 1]]), 'get("k")', "a function"],
])("names the place of %s, which it does not keep", async (_what, value, place, what) => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, () => {});
  const error = await rejection(client.sendFrameworkRequest(echo, value));
  expect(error).toMatchObject({ code: "XW_ENCODE" });
  expect(String(error)).toContain(`is ${what}`);
  expect(String(error)).toContain(JSON.stringify(place).slice(1, -1));
});

test("names the place of a reference back, which it does not keep", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, () => {});
  const loop: Record<string, unknown> = { name: "loop" };
  loop["inner"] = { loop };
  const error = await rejection(client.sendFrameworkRequest(echo, loop));
  expect(String(error)).toMatch(/"inner\.loop" is a reference back/);
});

test("refuses a key __proto__ on both sides", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(echo, (payload) => payload);
  const value = JSON.parse('{"__proto__":{"polluted":true}}') as unknown;
  expect(await rejection(client.sendFrameworkRequest(echo, value))).toMatchObject({
    code: "XW_ENCODE",
  });
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("a plain definition loses what JSON loses", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(plain, (payload) => payload);
  const value = { at: new Date(0), set: new Set([1]), nan: Number.NaN, gone: undefined };
  expect(await client.sendFrameworkRequest(plain, value)).toStrictEqual({
    at: "1970-01-01T00:00:00.000Z",
    set: {},
    nan: null,
  });
});
