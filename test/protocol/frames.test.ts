// Text frames and binary frames, as tables of what stands on the wire and what it means.

import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { joinBinary, lengthsOf, splitBinary } from "../../src/wire/binary-frame.ts";
import {
  attribute,
  decodeFrame,
  encodeFrame,
  FRAME_TYPE,
  type FrameType,
  forEachMessage,
  pathFault,
} from "../../src/wire/frame.ts";
import { SEED } from "../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

const TYPES = Object.values(FRAME_TYPE);
const ATTRIBUTES = "t=5000;c=rich;u";

describe("a text frame", () => {
  test.each([
    { text: "m::log:1", frame: { type: "m", id: "", attributes: "", path: "log", data: "1" } },
    { text: "r:1:a:", frame: { type: "r", id: "1", attributes: "", path: "a", data: "" } },
    {
      text: 'r:12:user/get:{"id":"a:b"}',
      frame: { type: "r", id: "12", attributes: "", path: "user/get", data: '{"id":"a:b"}' },
    },
    {
      text: 's:12::{"success":true}',
      frame: { type: "s", id: "12", attributes: "", path: "", data: '{"success":true}' },
    },
    {
      text: "r:12;t=5000;c=rich:p:null",
      frame: { type: "r", id: "12", attributes: "t=5000;c=rich", path: "p", data: "null" },
    },
    {
      text: "r:1:__proto__:::",
      frame: { type: "r", id: "1", attributes: "", path: "__proto__", data: "::" },
    },
    { text: "p:::", frame: { type: "p", id: "", attributes: "", path: "", data: "" } },
    {
      text: "x:3;;=:ä/\u{1f600}:\n",
      frame: { type: "x", id: "3", attributes: ";=", path: "ä/\u{1f600}", data: "\n" },
    },
  ])("$text is split at its first three colons only", ({ text, frame }) => {
    expect(decodeFrame(text, true)).toEqual(frame);
  });

  test.each([
    { text: "", fault: "unknown type" },
    { text: "r", fault: "unknown type" },
    { text: "z:1:a:", fault: "unknown type" },
    { text: "R:1:a:", fault: "unknown type" },
    { text: "rr:1:a:", fault: "unknown type" },
    { text: " r:1:a:", fault: "unknown type" },
    { text: "\u0000:1:a:", fault: "unknown type" },
    { text: "toString:1:a:", fault: "unknown type" },
    { text: "{}", fault: "unknown type" },
    { text: "r:", fault: "three colons" },
    { text: "r:1", fault: "three colons" },
    { text: "r:1:path", fault: "three colons" },
    { text: `r:1:${"p".repeat(257)}:`, fault: "a path of over 256 characters" },
    { text: `r:${"1".repeat(65)}:p:`, fault: "an id of over 64 characters" },
  ])("$text is refused, in words", ({ text, fault }) => {
    expect(decodeFrame(text, true)).toContain(fault);
  });

  test("has no attributes when its sender announced none: there a semicolon is part of the id", () => {
    expect(decodeFrame("r:1;t=5:p:", false)).toMatchObject({ id: "1;t=5", attributes: "" });
  });

  test("that is refused is not repeated at length in the words", () => {
    expect(String(decodeFrame("\u001b[31m".repeat(10_000), true)).length).toBeLessThan(200);
    expect(decodeFrame("\u001b[31m", true)).not.toContain("\u001b");
  });

  test("means after decoding what was encoded", () => {
    const id = fc.stringMatching(/^[^:;]{0,64}$/u).filter((text) => text.length <= 64);
    const path = fc.stringMatching(/^[^:]{0,256}$/u).filter((text) => text.length <= 256);
    fc.assert(
      fc.property(fc.constantFrom(...TYPES), id, path, fc.string(), (type, idText, at, data) => {
        expect(decodeFrame(encodeFrame(type, idText, at, data), true)).toEqual({
          type,
          id: idText,
          attributes: "",
          path: at,
          data,
        });
      }),
    );
  });

  test("never makes the decoder throw, whatever the text is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const frame = decodeFrame(text, text.length % 2 === 0);
        if (typeof frame !== "string") expect(TYPES).toContain(frame.type);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    { name: "t", value: "5000" },
    { name: "c", value: "rich" },
    { name: "u", value: "" },
    { name: "", value: undefined },
    { name: "5000", value: undefined },
    { name: "constructor", value: undefined },
    { name: "__proto__", value: undefined },
  ])("has the attribute $name only where it is written", ({ name, value }) => {
    expect(attribute(ATTRIBUTES, name)).toBe(value);
  });

  test.each([
    { frame: "", messages: [""] },
    { frame: "m::a:1", messages: ["m::a:1"] },
    { frame: "m::a:1\nr:1:b:\nq:::", messages: ["m::a:1", "r:1:b:", "q:::"] },
    { frame: "\n", messages: ["", ""] },
  ])("that carries several messages is split at its line breaks", ({ frame, messages }) => {
    const seen: string[] = [];
    forEachMessage(frame, (text) => seen.push(text));
    expect(seen).toEqual(messages);
  });
});

describe("a path", () => {
  test.each([
    { path: "a:b", fault: '":"' },
    { path: "", fault: "empty" },
    { path: "a\nb", fault: "control characters" },
    { path: "a\u0000", fault: "control characters" },
    { path: "a\u0085", fault: "control characters" },
    { path: "\u007f", fault: "control characters" },
    { path: "a".repeat(257), fault: "256" },
    { path: "\ud800", fault: "surrogate" },
    { path: 7, fault: "not a string" },
  ])("$path cannot be defined", ({ path, fault }) => {
    expect(pathFault(path)).toContain(fault);
  });

  test.each([
    "a",
    "discovery/register",
    "__proto__",
    "ä ö",
    "\u{1f600}",
    "a".repeat(256),
    "$x;y=1",
  ])("%j can be defined", (path) => {
    expect(pathFault(path)).toBeUndefined();
  });
});

describe("a binary frame", () => {
  const bytes = (...values: number[]) => Uint8Array.from(values);
  const ascii = (text: string) => [...new TextEncoder().encode(text)];

  test("is its head, the byte 0xFF, and the attachments", () => {
    const frame = { head: "r:1;b=2,1:p:", attachments: [bytes(1, 255), bytes(0)] };
    expect(joinBinary(frame)).toEqual(bytes(...ascii("r:1;b=2,1:p:"), 255, 1, 255, 0));
  });

  test("is taken apart into the same frame and bytes", () => {
    const type = fc.constantFrom<FrameType[]>(...TYPES);
    const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(type, parts, fc.string({ unit: "grapheme" }), (frameType, attachments, data) => {
        const lengths = lengthsOf(attachments);
        const head = encodeFrame(frameType, `7;b=${lengths}`, "ä", data);
        expect(splitBinary(joinBinary({ head, attachments }))).toEqual({
          frame: { type: frameType, id: "7", attributes: `b=${lengths}`, path: "ä", data },
          attachments,
        });
      }),
    );
  });

  test.each([
    { what: "no bytes at all", given: [], fault: "0xFF" },
    { what: "no 0xFF", given: ascii("r:1;b=0:p:"), fault: "0xFF" },
    { what: "a head that is not UTF-8", given: [0xc3, 0x28, 255], fault: "UTF-8" },
    { what: "a malformed head", given: [...ascii("r:1"), 255], fault: "three colons" },
    { what: "no lengths", given: [...ascii("r:1:p:"), 255, 1], fault: "lengths" },
    { what: "empty lengths", given: [...ascii("r:1;b=:p:"), 255], fault: "lengths" },
    { what: "negative lengths", given: [...ascii("r:1;b=-1:p:"), 255], fault: "lengths" },
    { what: "lengths in hex", given: [...ascii("r:1;b=0x1:p:"), 255, 1], fault: "lengths" },
    { what: "a length too short", given: [...ascii("r:1;b=1:p:"), 255, 1, 2], fault: "announced" },
    { what: "a length too long", given: [...ascii("r:1;b=3:p:"), 255, 1, 2], fault: "announced" },
    {
      what: "a length beyond every number",
      given: [...ascii("r:1;b=999999999999999:p:"), 255, 1],
      fault: "announced",
    },
    {
      what: "too many attachments",
      given: [...ascii(`r:1;b=${"0,".repeat(1024)}0:p:`), 255],
      fault: "1024 attachments",
    },
  ])("with $what is refused, in words", ({ given, fault }) => {
    expect(splitBinary(Uint8Array.from(given))).toContain(fault);
  });

  test("never makes the splitter throw, whatever the bytes are", () => {
    const head = fc.constantFrom("r:1;b=1:p:", "n:1;m;b=2,0:", "r:", "");
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 200 }), (start, rest) => {
        const split = splitBinary(Uint8Array.from([...ascii(start), ...rest]));
        if (typeof split !== "string") expect(TYPES).toContain(split.frame.type);
      }),
      { numRuns: 5_000 },
    );
  });
});
