// Definitions: which paths are taken, and what happens when two of them meet.

import { IPCClient, IPCServer } from "crosswire";
import { expect, test } from "vitest";
import * as z from "zod";

test("a definition is its path", () => {
  expect(IPCServer.defineRequest("definitions/path")).toBe("definitions/path");
  expect(IPCClient.defineMessage("definitions/żółć 🦄")).toBe("definitions/żółć 🦄");
  expect(IPCClient.defineStream("x".repeat(256))).toHaveLength(256);
});

test.each([
  ["a colon", "users:get", /contains ":"/],
  ["nothing at all", "", /is empty/],
  ["a line break", "users\nget", /control characters/],
  ["a NUL", "users\u0000", /control characters/],
  ["a C1 control character", "users\u0085", /control characters/],
  ["257 characters", "x".repeat(257), /longer than 256 characters/],
  ["half a surrogate pair", "users/\ud83e", /half a surrogate pair/],
  ["a reserved beginning", "$hello", /begin with "\$" are reserved/],
  ["no string", 5 as never, /not a string/],
  ["no path", undefined as never, /not a string/],
])("a path with %s is refused", (_what, path, message) => {
  const defines: readonly ((path: string) => unknown)[] = [
    IPCServer.defineRequest,
    IPCServer.defineMessage,
    IPCServer.defineStream,
    IPCClient.defineRequest,
    IPCClient.defineMessage,
    IPCClient.defineStream,
  ];
  for (const define of defines) {
    expect(() => define(path)).toThrow(TypeError);
    expect(() => define(path)).toThrow(message);
  }
});

test("two definitions that differ are refused, and both places are named", () => {
  const clash = (): void => {
    IPCServer.defineRequest("definitions/clash", { timeoutMs: 1 });
    IPCServer.defineRequest("definitions/clash", { timeoutMs: 2 });
  };
  expect(clash).toThrow(TypeError);
  expect(clash).toThrow(
    /"definitions\/clash" is defined twice with different timeoutMs: at .*definitions\.test\.ts:\d+:\d+\)? and at .*definitions\.test\.ts:\d+:\d+/,
  );
});

test.each([
  ["kind", () => IPCServer.defineMessage("definitions/kind")],
  ["codec", () => IPCServer.defineRequest("definitions/codec", { codec: "rich" })],
  ["input", () => IPCServer.defineRequest("definitions/input", { input: z.string() })],
  ["output", () => IPCServer.defineRequest("definitions/output", { output: z.string() })],
  ["idempotent", () => IPCServer.defineRequest("definitions/idempotent", { idempotent: true })],
])("two definitions that differ in %s are refused", (difference, defineAgain) => {
  IPCServer.defineRequest(`definitions/${difference}`);
  expect(defineAgain).toThrow(new RegExp(`different ${difference}`));
});

test("two definitions that say the same are one", () => {
  const first = IPCServer.defineRequest("definitions/same", { timeoutMs: 5 });
  const second = IPCServer.defineRequest("definitions/same", { timeoutMs: 5 });
  expect(first).toBe(second);
});

test("the same line again is a reloaded module, and may differ", () => {
  const define = (): string => IPCServer.defineRequest("definitions/reload", { input: z.string() });
  expect(define()).toBe(define());
});

test.each([
  ["a timeout of 0", { timeoutMs: 0 }, /timeoutMs .* must be .*above 0.* is 0/],
  ["a timeout that is no number", { timeoutMs: Number.NaN }, /timeoutMs .* NaN/],
  ["an unknown codec", { codec: "xml" }, /codec xml; there are "json" and "rich"/],
  ["an input that is no schema", { input: {} }, /has an input that is not a Standard Schema/],
  ["an output that is no schema", { output: String }, /has an output that is not a Standard/],
])("%s is refused", (_what, options, message) => {
  expect(() => IPCServer.defineRequest("definitions/options", options as never)).toThrow(TypeError);
  expect(() => IPCServer.defineRequest("definitions/options", options as never)).toThrow(message);
});

test("a definition used as another kind is refused where it is used", async () => {
  const message = IPCServer.defineMessage("definitions/used");
  const server = new IPCServer(0);
  expect(() => server.onFrameworkMessage(message as never, () => {})).toThrow(
    /"definitions\/used" is defined as a message, not as a request/,
  );
});
