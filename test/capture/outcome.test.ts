// What can be sent and what cannot, before anything is sent.

import { expect, test } from "vitest";
import {
  type Answer,
  checkOutcome,
  exceptionAnswer,
  type Outcome,
} from "../../src/exchange/outcome.ts";
import { fieldsFrom, patchFields } from "../../src/exchange/request.ts";

const answer = (fields: Partial<Answer>): Answer => ({
  kind: "respond",
  status: 200,
  headers: [],
  ...fields,
});
const bytes = Buffer.from("body");
const checked = (fields: Partial<Answer>, method = "GET"): Answer =>
  checkOutcome(answer(fields), method) as Answer;

test.each<{ what: string; outcome: unknown }>([
  { what: "a status below 200", outcome: answer({ status: 101 }) },
  { what: "a status above 599", outcome: answer({ status: 600 }) },
  { what: "a status that is no number", outcome: answer({ status: "200" as unknown as number }) },
  { what: "a line break in a value", outcome: answer({ headers: [["a", "b\r\nc: d"]] }) },
  { what: "a NUL in a value", outcome: answer({ headers: [["a", "\0"]] }) },
  { what: "a value beyond Latin-1", outcome: answer({ headers: [["a", "\u20ac"]] }) },
  { what: "a name that is none", outcome: answer({ headers: [["a b", "c"]] }) },
  { what: "a line break in the status text", outcome: answer({ statusText: "a\nb" }) },
  { what: "a line break in a trailer", outcome: answer({ trailers: [["a", "\n"]] }) },
  { what: "an error without a code", outcome: { kind: "error" } },
  { what: "a patch to no URL", outcome: { kind: "passthrough", patch: { url: "/a" } } },
  { what: "a patch to no method", outcome: { kind: "passthrough", patch: { method: "A B" } } },
  {
    what: "a patch with a line break",
    outcome: { kind: "passthrough", patch: { headers: { a: ["b", "\r"] } } },
  },
  { what: "a kind that there is none of", outcome: { kind: "response" } },
  { what: "nothing", outcome: undefined },
])("$what is refused", ({ outcome }) => {
  expect(() => checkOutcome(outcome as Outcome, "GET")).toThrow(TypeError);
});

test("a length is told by the body where that is whole, and kept where it is not", () => {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield bytes;
  }
  const headers = [["Content-Length", "9"]] as const;
  expect(checked({ headers, body: bytes }).headers).toEqual([["content-length", "4"]]);
  expect(checked({ headers }).headers).toEqual([["content-length", "0"]]);
  expect(checked({ headers, body: stream() }).headers).toEqual(headers);
  expect(checked({ headers, body: stream(), trailers: [] }).headers).toEqual([]);
});

test("HEAD, 204 and 304 have no body, and only what can have one has a length", () => {
  const headers = [["Content-Length", "9"]] as const;
  expect(checked({ headers, body: bytes }, "HEAD")).toMatchObject({ headers, body: undefined });
  expect(checked({ headers, body: bytes, status: 304 })).toMatchObject({
    headers,
    body: undefined,
  });
  expect(checked({ headers, body: bytes, status: 204 })).toMatchObject({
    headers: [],
    body: undefined,
  });
});

test("framing is left to the connection, all else keeps order, case and duplicates", () => {
  const kept = [
    ["Set-Cookie", "a"],
    ["x", "1"],
    ["set-cookie", "b"],
  ] as const;
  const framing = [
    ["Connection", "close"],
    ["Transfer-Encoding", "chunked"],
  ] as const;
  expect(checked({ headers: [...framing, ...kept] }).headers.slice(0, 3)).toEqual(kept);
});

test("an exception is told in JSON, also where what was thrown is no error", () => {
  const { status, body } = exceptionAnswer("just text");
  expect(status).toBe(500);
  expect(JSON.parse(String(Buffer.from(body as Uint8Array)))).toMatchObject({ error: "just text" });
});

test("a patch replaces in any case, removes with null, and leaves the others in their order", () => {
  const fields = fieldsFrom(["A", "1", "b", "2", "a", "3", "C", "4"]);
  expect(patchFields(fields, { a: ["x", "y"], C: null })).toEqual([
    ["b", "2"],
    ["a", "x"],
    ["a", "y"],
  ]);
});
