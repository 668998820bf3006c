// The reader of JSON with comments: the same values as JSON.parse, and a place for each of them.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type JsonNode,
  parseJsonc,
  plainValue,
  type Position,
} from "../../src/http/microfrontends/jsonc.ts";
import { SEED } from "../fixtures/seed.ts";

fc.configureGlobal({ seed: SEED });

interface Read {
  readonly root: JsonNode | undefined;
  /** Each as `line:column text`. */
  readonly problems: readonly string[];
}

function read(text: string): Read {
  const problems: string[] = [];
  const complain = ({ line, column }: Position, problem: string): void =>
    void problems.push(`${line}:${column} ${problem}`);
  const root = parseJsonc(text, complain);
  return { root, problems };
}

function valueOf(text: string): unknown {
  const { root, problems } = read(text);
  expect(problems).toEqual([]);
  return plainValue(root!);
}

/** The only problem of a text that has no value. */
function problemOf(text: string): string {
  const { root, problems } = read(text);
  expect(root).toBeUndefined();
  expect(problems).toHaveLength(1);
  return String(problems[0]);
}

test("reads whatever JSON.parse reads, to the same value", () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 5 }),
      fc.constantFrom(undefined, 1, 2, "\t"),
      (json, indent) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, undefined, indent);
        expect(JSON.stringify(valueOf(text))).toBe(JSON.stringify(value));
      },
    ),
    { numRuns: 500 },
  );
});

test("takes no text that JSON.parse refuses, unless it has a comment, a comma too many or a name twice", () => {
  const noise = fc.stringMatching(/^[\][{}:",0-9a-z\\ -]{0,12}$/);
  fc.assert(
    fc.property(fc.json({ maxDepth: 2 }), noise, fc.nat(40), (json, junk, at) => {
      const text = json.slice(0, at) + junk + json.slice(at);
      const { root, problems } = read(text);
      if (root === undefined) {
        expect(problems).not.toEqual([]);
        return;
      }
      const withoutCommas = text.replaceAll(/,(\s*[\]}])/g, "$1");
      expect(() => void JSON.parse(withoutCommas)).not.toThrow();
    }),
    { numRuns: 2000 },
  );
});

test("passes over comments, trailing commas and a byte order mark", () => {
  const text =
    '\uFEFF// first\n{ /* a\n"b" */ "c": [1, 2,], // last\r\n "d": "// no comment /* */", }\n/**/';
  expect(valueOf(text)).toEqual({ c: [1, 2], d: "// no comment /* */" });
});

test("knows where each value and each name stands, also behind comments of many lines", () => {
  const { root } = read('\uFEFF{\n  "a": 1, /*\n\n*/ "b": [\n    true\n  ]\n}');
  expect(root).toMatchObject({ kind: "object", at: { line: 1, column: 1 } });
  const members = root?.kind === "object" ? root.members : new Map<never, never>();
  expect(members.get("a")).toMatchObject({
    at: { line: 2, column: 3 },
    value: { at: { line: 2, column: 8 } },
  });
  expect(members.get("b")).toMatchObject({
    at: { line: 4, column: 4 },
    value: { at: { line: 4, column: 9 }, items: [{ at: { line: 5, column: 5 } }] },
  });
});

test.each([
  ["", "1:1 the end of the file is no JSON value"],
  ['{"a": {"b": 1', '1:14 the file ends inside what was opened at 1:7; close it with "}"'],
  ["[1", '1:3 the file ends inside what was opened at 1:1; close it with "]"'],
  ['{\n  "a" 1\n}', '2:7 "1" stands where a ":" follows a name'],
  ['{\n  "a": 1\n  "b": 2\n}', '3:3 "\\"" stands where "," or "}" is due'],
  ["{a: 1}", '1:2 "a" is no name; write names in double quotes'],
  ["[1,,2]", '1:4 "," is no JSON value'],
  ["[,]", '1:2 "," is no JSON value'],
  ["['a']", '1:2 "\'" is no JSON value'],
  ["[01]", '1:3 "1" stands where "," or "]" is due'],
  ["[undefined]", '1:2 "u" is no JSON value'],
  ['["a\nb"]', '1:2 this text does not end on its line; close it with "'],
  ['["a', '1:2 this text does not end on its line; close it with "'],
  ['["\\x"]', '1:2 "\\x" has an escape that JSON does not know'],
  ["[1] 2", '1:5 "2" follows the end of the value; remove it'],
  ["[1] /", '1:5 "/" begins neither a comment nor a value'],
  ["[1] /* x", "1:5 this comment has no end; close it with */"],
  ["[😀]", '1:2 "😀" is no JSON value'],
])("says where %j goes wrong", (text, problem) => {
  expect(problemOf(text)).toBe(problem);
});

test("refuses a name that is given twice, and reads on", () => {
  const { root, problems } = read('{\n"a": 1,\n"a": 2,\n"b": {"c": 1, "c": 2}\n}');
  expect(problems).toEqual([
    '3:1 "a" is given a second time, first on line 2; remove one',
    '4:15 "c" is given a second time, first on line 4; remove one',
  ]);
  expect(root?.kind).toBe("object");
});

test("has __proto__, constructor and toString as ordinary names, and changes no prototype", () => {
  const value = valueOf(
    '{"__proto__": {"polluted": 1}, "constructor": 2, "toString": 3}',
  ) as object;
  expect(Object.keys(value)).toEqual(["__proto__", "constructor", "toString"]);
  expect(Object.getPrototypeOf(value)).toBeNull();
  expect("polluted" in {}).toBe(false);
});

test("refuses what nests too deep, in place of an overflow of the stack", () => {
  expect(problemOf("[".repeat(100_000))).toBe(
    "1:66 values nest deeper than 64 levels; flatten them",
  );
  expect(problemOf('{"a":'.repeat(100_000))).toContain("nest deeper than 64 levels");
});

test.each([
  ["spaces", (n: number) => " ".repeat(n)],
  ["slashes", (n: number) => "/".repeat(n)],
  ["comment ends", (n: number) => `/*${"* /".repeat(n)}`],
  ["an open text", (n: number) => `"${"\\".repeat(n)}`],
  ["digits", (n: number) => "1".repeat(n)],
  ["minus signs", (n: number) => "-".repeat(n)],
  ["commas", (n: number) => `[${"1,".repeat(n)}`],
  ["names", (n: number) => `{${'"a":1,'.repeat(n)}`],
])("reads a long run of %s in no time", (_, text) => {
  const startedAt = performance.now();
  read(text(100_000));
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
