// How an answer is held back, and the outcomes that are no answer.

import { expect, onTestFinished, test, vi } from "vitest";
import { delay } from "../../../src/cpri/handlers/delay.ts";
import { networkError } from "../../../src/cpri/handlers/network-error.ts";
import { passthrough } from "../../../src/cpri/handlers/passthrough.ts";

test("a delay is over in its time, also under fake timers", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  await delay(1);
  await delay("real");
  await delay();
});

test("an infinite delay is never over and holds no timer", async () => {
  const before = process.getActiveResourcesInfo().length;
  const over = vi.fn();
  void delay("infinite").then(over);
  expect(process.getActiveResourcesInfo()).toHaveLength(before);
  await delay(2);
  expect(over).not.toHaveBeenCalled();
});

test.each([-1, Number.NaN, 2 ** 31, Infinity, "long"])("a delay of %s is refused", (duration) => {
  expect(() => delay(duration as number)).toThrow(TypeError);
});

test("passthrough and networkError are outcomes", () => {
  expect(passthrough()).toEqual({ kind: "passthrough" });
  const patch = { headers: { authorization: null } };
  expect(passthrough(patch)).toEqual({ kind: "passthrough", patch });
  expect(networkError()).toEqual({ kind: "error", code: "ECONNRESET" });
  expect(() => networkError("it failed")).toThrow("no code of a network error");
});
