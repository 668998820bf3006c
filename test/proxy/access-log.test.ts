// The lines of the access log: one for each entry, whatever somebody put into it.

import fc from "fast-check";
import { expect, test } from "vitest";
import { CrosswireError } from "../../src/errors.ts";
import { jsonLine, readableLine } from "../../src/http/proxy/access-log.ts";
import type { AccessEntry } from "../../src/http/proxy/traffic.ts";

const ENTRY: AccessEntry = {
  // People read the time of their own clock.
  at: new Date(2026, 0, 2, 14, 3, 7, 123).toISOString(),
  kind: "http",
  method: "GET",
  path: "/docs/intro",
  status: 200,
  durationMs: 12,
  bytesUp: 0,
  bytesDown: 4_000,
  app: "docs",
  rule: "/docs/:path*",
  target: "http://localhost:3001",
};

const FAILURE = new CrosswireError("XW_UNREACHABLE", "Cannot connect. Start it.");

/** What would end a line, or be a command to a terminal. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

test.each<[string, Partial<AccessEntry>, string]>([
  ["a request", {}, "14:03:07 GET /docs/intro 200 12 ms docs"],
  [
    "a WebSocket",
    { kind: "websocket", status: 101, bytesUp: 6, bytesDown: 90 },
    "14:03:07 WS /docs/intro 101 12 ms docs (6 B up, 90 B down)",
  ],
  [
    "a WebSocket that was refused",
    { kind: "websocket", status: 403 },
    "14:03:07 WS /docs/intro 403 12 ms docs",
  ],
  ["a held one", { heldMs: 900 }, "14:03:07 GET /docs/intro 200 12 ms docs (held 900 ms)"],
  [
    "one that what is deployed answered",
    { isFallback: true, target: "https://example.com" },
    "14:03:07 GET /docs/intro 200 12 ms docs (from https://example.com)",
  ],
  [
    "a failure after a hold",
    { status: 502, heldMs: 10, error: FAILURE },
    "14:03:07 GET /docs/intro 502 12 ms docs (held 10 ms; XW_UNREACHABLE: Cannot connect. Start it.)",
  ],
  [
    "a client that left",
    { status: 499, error: new CrosswireError("XW_CANCELLED", "The client left.") },
    "14:03:07 GET /docs/intro 499 12 ms docs (XW_CANCELLED: The client left.)",
  ],
])("%s as people read it", (_what, change, line) => {
  expect(readableLine({ ...ENTRY, ...change })).toBe(line);
});

test("what the proxy refused by itself has no application", () => {
  const { app: _app, rule: _rule, target: _target, ...entry } = ENTRY;
  const error = new CrosswireError("XW_REFUSED", "the Host is not allowed");
  expect(readableLine({ ...entry, status: 403, error })).toBe(
    "14:03:07 GET /docs/intro 403 12 ms (XW_REFUSED: the Host is not allowed)",
  );
});

test("JSON has everything, and of an error its code and message only", () => {
  const entry = { ...ENTRY, status: 502, heldMs: 10, error: FAILURE };
  expect(JSON.parse(jsonLine(entry))).toEqual({
    ...entry,
    error: { code: "XW_UNREACHABLE", message: "Cannot connect. Start it." },
  });
});

test("a long path is cut for people, and whole in JSON", () => {
  const path = `/${"x".repeat(5_000)}`;
  expect(readableLine({ ...ENTRY, path })).toBe(`14:03:07 GET /${"x".repeat(199)}… 200 12 ms docs`);
  expect((JSON.parse(jsonLine({ ...ENTRY, path })) as AccessEntry).path).toBe(path);
});

test("a path can neither write a line of its own nor move the cursor of a terminal", () => {
  const path = "/\u001b[2K\r\n14:00:00 GET /forged 200\u0085\u2028\u009b31m\u007f";
  expect(readableLine({ ...ENTRY, path })).toBe(
    String.raw`14:03:07 GET /\u001b[2K\u000d\u000a14:00:00 GET /forged 200\u0085\u2028\u009b31m\u007f 200 12 ms docs`,
  );
  expect((JSON.parse(jsonLine({ ...ENTRY, path })) as AccessEntry).path).toBe(path);
});

test("ten thousand entries of anything are ten thousand lines", () => {
  const text = fc.string({ unit: "binary" });
  const entries = fc.record({
    kind: fc.constantFrom("http", "websocket"),
    method: text,
    path: text,
    app: text,
    rule: text,
    target: text,
    isFallback: fc.constantFrom(true, undefined),
    error: fc.option(
      text.map((message) => new CrosswireError("XW_UPSTREAM", message)),
      { nil: undefined },
    ),
  });
  fc.assert(
    fc.property(entries, (change) => {
      const entry = { ...ENTRY, ...change } as AccessEntry;
      expect(readableLine(entry)).not.toMatch(CONTROL);
      const line = jsonLine(entry);
      expect(line).not.toMatch(CONTROL);
      expect(JSON.parse(line)).toMatchObject({ path: change.path, method: change.method });
    }),
    { numRuns: 10_000 },
  );
});
