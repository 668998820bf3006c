// Plain payloads and answers: what JSON and bytes make of values, and of texts that nobody wrote.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CrosswireError } from "../../src/errors.ts";
import { parseJson } from "../../src/wire/json.ts";
import { decodePayload, decodeReply, encodePayload, encodeResult } from "../../src/wire/payload.ts";
import { encodeFailure, reviveFailure } from "../../src/wire/remote-error.ts";
import { WithBytes } from "../../src/wire/with-bytes.ts";
import { codeOf, nested } from "../fixtures/payloads.ts";
import { SEED } from "../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const MAX_DEPTH = 16;

function roundTrip(value: unknown): unknown {
  const { data, attachments } = encodePayload(value, "json", MAX_DEPTH);
  return decodePayload(data, "", attachments, MAX_DEPTH);
}

describe("JSON", () => {
  test("keeps every JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8, stringUnit: "binary" }), (value) => {
        expect(roundTrip(value)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test("keeps bytes as bytes, in a part of their own", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        expect(encodePayload(value, "json", MAX_DEPTH)).toMatchObject({ data: "", rich: false });
        expect(roundTrip(value)).toEqual(value);
      }),
    );
  });

  test("keeps bytes beside a value, in payloads and in answers", () => {
    const value = new WithBytes({ status: 200 }, new Uint8Array([0, 255, 10]));
    expect(encodePayload(value, "json", MAX_DEPTH).data).toBe('{"status":200}');
    expect(roundTrip(value)).toEqual(value);
    const { data, attachments } = encodeResult(value, "json", MAX_DEPTH);
    expect(decodeReply(data, "", attachments, MAX_DEPTH)).toEqual({ success: true, data: value });
  });

  test.each([
    "{",
    '{"a":',
    "[1,",
    '"abc',
    "nul",
    "01",
    "{'a':1}",
    "\u0000",
    "[1]x",
    "undefined",
    "NaN",
  ])("refuses the truncated or foreign text %j by name", (text) => {
    expect(codeOf(() => parseJson(text, MAX_DEPTH))).toBe("XW_FRAME");
  });

  test("reads a text as deep as the limit and refuses a deeper one by name", () => {
    const deep = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(parseJson(deep(MAX_DEPTH), MAX_DEPTH)).toEqual(nested(MAX_DEPTH - 1, []));
    expect(codeOf(() => parseJson(deep(MAX_DEPTH + 1), MAX_DEPTH))).toBe("XW_LIMIT");
    expect(codeOf(() => parseJson(deep(1e6), MAX_DEPTH))).toBe("XW_LIMIT");
    const objects = `${'{"a":'.repeat(1e6)}1${"}".repeat(1e6)}`;
    expect(codeOf(() => parseJson(objects, MAX_DEPTH))).toBe("XW_LIMIT");
  });

  test("does not take brackets inside strings for depth", () => {
    const texts = fc.string({
      unit: fc.constantFrom("[", "{", "\\", '"', "]", "a"),
      maxLength: 99,
    });
    fc.assert(
      fc.property(fc.array(texts), (value) => {
        expect(parseJson(JSON.stringify(value), 1)).toEqual(value);
      }),
    );
  });

  test("looks at the depth of a hostile text in linear time", () => {
    const quotes = `["${'\\"'.repeat(2e6)}",[[]]]`;
    const backslashes = `["${"\\\\".repeat(2e6)}",[[]]]`;
    const start = performance.now();
    expect(codeOf(() => parseJson(quotes, 1))).toBe("XW_LIMIT");
    expect(codeOf(() => parseJson(backslashes, 1))).toBe("XW_LIMIT");
    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("keeps the key __proto__ a plain key", () => {
    const value = parseJson('{"__proto__":{"polluted":true}}', MAX_DEPTH) as object;
    expect(Object.hasOwn(value, "__proto__")).toBe(true);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe("an answer", () => {
  test.each([
    { value: undefined, data: '{"success":true}' },
    { value: null, data: '{"success":true,"data":null}' },
    { value: "a:b", data: '{"success":true,"data":"a:b"}' },
    { value: { a: [1] }, data: '{"success":true,"data":{"a":[1]}}' },
  ])("of $value stands on the wire as $data", ({ value, data }) => {
    expect(encodeResult(value, "json", MAX_DEPTH).data).toBe(data);
    expect(decodeReply(data, "", [], MAX_DEPTH)).toMatchObject(
      value === undefined ? { success: true } : { success: true, data: value },
    );
  });

  test.each(["", "null", "[]", "1", '"s"', "{}", '{"success":1}', '{"success":"true"}', "{"])(
    "that reads %j is refused by name",
    (text) => {
      expect(codeOf(() => decodeReply(text, "", [], MAX_DEPTH))).toBe("XW_FRAME");
    },
  );

  test("carries any thrown value, even one that cannot be printed", () => {
    const unprintable = { toString: () => ({}), toJSON: () => ({}).valueOf.call(null) };
    for (const thrown of [undefined, null, 0, "text", Symbol("s"), 1n, unprintable, []]) {
      const { success, error } = JSON.parse(encodeFailure(thrown, false)) as Record<
        string,
        unknown
      >;
      expect([success, typeof error]).toEqual([false, "string"]);
    }
  });

  test("becomes an XW_REMOTE error of bounded size, whatever its parts are", () => {
    const asked = { what: 'Request "p" to x', path: "p", peer: "x" };
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.jsonValue({ maxDepth: 6 }), (error, err) => {
        expect(reviveFailure(error, err, asked)).toBeInstanceOf(CrosswireError);
      }),
    );
    const long = { name: "E", message: "x".repeat(1e6), xw: "toString" };
    const revived = reviveFailure("e", long, asked);
    expect(revived).toMatchObject({ code: "XW_REMOTE" });
    expect(revived.message.length).toBeLessThan(10_000);
  });
});
