// The rich codec: what it keeps, in both directions, and what it makes of trees that nobody wrote.

import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePayload, encodePayload } from "../../src/wire/payload.ts";
import { codeOf, nested } from "../fixtures/payloads.ts";
import { SEED } from "../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const MAX_DEPTH = 16;
const RICH = "c=rich";

function roundTrip(value: unknown): unknown {
  const { data, attachments } = encodePayload(value, "rich", MAX_DEPTH);
  return decodePayload(data, RICH, attachments, MAX_DEPTH);
}

function decodeRich(tree: unknown, attachments: Uint8Array[] = []): unknown {
  return decodePayload(JSON.stringify(tree), RICH, attachments, MAX_DEPTH);
}

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.boolean(),
  fc.constantFrom(null, undefined, -0, Number.NaN, Infinity, -Infinity),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array(),
  fc.webUrl().map((url) => new URL(url)),
  fc.constantFrom({ $: 1 }, { $: ["date", 0] }, { $: undefined, a: 1 }),
);
const key = fc.string().filter((text) => text !== "__proto__");
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 3 }).map((list) => new Map(list)),
    fc.array(tie("value"), { maxLength: 3 }).map((list) => new Set(list)),
  ),
}));

test("keeps everything that it promises to keep, however it is nested", () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(roundTrip(value)).toStrictEqual(value);
    }),
    { numRuns: 500 },
  );
});

test("keeps name, message, code, data and cause of an error, and not its stack", () => {
  const cause = new Error("inner");
  const error = Object.assign(new RangeError("outer", { cause }), { code: "E1", data: [1n] });
  const revived = roundTrip(error) as Error;
  expect(revived).toBeInstanceOf(Error);
  expect(revived).toMatchObject({
    name: "RangeError",
    message: "outer",
    code: "E1",
    data: [1n],
    cause: { message: "inner" },
  });
  expect(revived.stack).not.toContain(String(error.stack?.split("\n")[1]));
});

test.each([
  new Int16Array([1, -2]),
  new Float64Array([0.5]),
  new BigUint64Array([2n ** 63n]),
  new Uint8ClampedArray([255]),
  new DataView(new ArrayBuffer(3)),
  new ArrayBuffer(2),
])("keeps the type of %o", (view) => {
  expect(roundTrip({ view })).toStrictEqual({ view });
});

test.each([
  { what: "an unknown tag", tree: { $: ["regexp", "x"] } },
  { what: "a tag named like an inherited property", tree: { $: ["constructor", []] } },
  { what: "a tag that is not a list", tree: { $: "date" } },
  { what: "an empty tag", tree: { $: [] } },
  { what: "a tag whose name is an object", tree: { $: [{}, 1] } },
  { what: "a map that is no list", tree: { $: ["map", {}] } },
  { what: "a map of numbers", tree: { $: ["map", [1]] } },
  { what: "a set without a list", tree: { $: ["set"] } },
  { what: "a number of another name", tree: { $: ["number", "1e999"] } },
  { what: "a BigInt in hex", tree: { $: ["bigint", "0xff"] } },
  { what: "a BigInt of a megabyte", tree: { $: ["bigint", "9".repeat(1e6)] } },
  { what: "a URL that is none", tree: { $: ["url", "//"] } },
  { what: "bytes that are not there", tree: { $: ["bytes", 1] } },
  { what: "bytes at a negative index", tree: { $: ["bytes", -1] } },
  { what: "bytes at an inherited property", tree: { $: ["bytes", "length"] } },
  { what: "a view of no type", tree: { $: ["view", []] } },
  { what: "a view of an inherited type", tree: { $: ["view", ["constructor", 0]] } },
  { what: "a view of a wrong length", tree: { $: ["view", ["Float64Array", 0]] } },
  { what: "an error that is a text", tree: { $: ["error", "boom"] } },
  { what: "an error that is null", tree: { $: ["error", null] } },
  {
    what: "an error whose name cannot become a text",
    tree: { $: ["error", { name: { toString: 1, valueOf: 1 }, message: "" }] },
  },
  {
    what: "an error whose message cannot become a text",
    tree: { $: ["error", { name: "E", message: { toString: 1, valueOf: 1 } }] },
  },
  {
    what: "a view whose type cannot become a text",
    tree: { $: ["view", [{ toString: 1, valueOf: 1 }, 0]] },
  },
  { what: "an object entry without a key", tree: { $: ["object", [[1, 2]]] } },
  { what: "an object entry __proto__", tree: { $: ["object", [["__proto__", {}]]] } },
])("refuses $what by name", ({ tree }) => {
  expect(codeOf(() => decodeRich(tree, [Uint8Array.of(1, 2, 3)]))).toBe("XW_FRAME");
});

test("does not repeat a foreign tree at length in its error", () => {
  const tree = { $: ["x".repeat(1e6)] };
  expect(() => decodeRich(tree)).toThrow(/^.{20,500}$/);
});

test("refuses the key __proto__ in both directions and pollutes nothing", () => {
  const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as unknown;
  const text = '{"a":{"__proto__":{"polluted":true}}}';
  expect(codeOf(() => encodePayload(hostile, "rich", MAX_DEPTH))).toBe("XW_ENCODE");
  expect(codeOf(() => decodePayload(text, RICH, [], MAX_DEPTH))).toBe("XW_FRAME");
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test("refuses values and trees deeper than the limit by name", () => {
  const deepMap = (levels: number): unknown =>
    levels === 0 ? 1 : { $: ["map", [[1, deepMap(levels - 1)]]] };
  expect(roundTrip(nested(MAX_DEPTH, 1))).toEqual(nested(MAX_DEPTH, 1));
  expect(codeOf(() => encodePayload(nested(MAX_DEPTH + 1, 1), "rich", MAX_DEPTH))).toBe(
    "XW_ENCODE",
  );
  expect(codeOf(() => decodeRich(nested(MAX_DEPTH + 1, 1)))).toBe("XW_LIMIT");
  expect(codeOf(() => decodeRich(deepMap(MAX_DEPTH + 1)))).toBe("XW_LIMIT");
  const deepText = "[".repeat(1e6) + "]".repeat(1e6);
  expect(codeOf(() => decodePayload(deepText, RICH, [], MAX_DEPTH))).toBe("XW_LIMIT");
});

test("refuses a value that contains itself by naming the place", () => {
  const value: { list: unknown[] } = { list: [] };
  value.list.push(value);
  expect(() => encodePayload(value, "rich", MAX_DEPTH)).toThrow(/list\[0\]/);
});

test("throws nothing but named errors, whatever tree comes", () => {
  const word = fc.constantFrom(
    ...["map", "set", "error", "view", "bytes", "url", "date", "object", "bigint", "number"],
    ...["name", "message", "$", "Float32Array", "toString", "valueOf", "__proto__"],
  );
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.oneof(word, fc.integer({ min: -1, max: 3 }), fc.constant(null)),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(word, tie("tree"), { maxKeys: 3 }),
      fc.tuple(word, tie("tree")).map((tag) => ({ $: tag })),
    ),
  }));
  fc.assert(
    fc.property(tree, (foreign) => {
      const text = JSON.stringify(foreign);
      const code = codeOf(() => decodePayload(text, RICH, [new Uint8Array(8)], MAX_DEPTH));
      expect(["nothing thrown", "XW_FRAME", "XW_LIMIT"]).toContain(code);
    }),
    { numRuns: 5_000 },
  );
});
