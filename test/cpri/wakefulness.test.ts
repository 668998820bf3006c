// Waiting awake for what usually comes at once.

import { expect, test } from "vitest";
import { type Loop, Wakefulness } from "../../src/node/wakefulness.ts";

test("nobody stays awake before something has come within a moment", () => {
  const { loop, isAwake } = handDriven();
  const wakefulness = new Wakefulness(loop);
  wakefulness.begin();
  expect(isAwake()).toBe(false);
});

test("after something that came within a moment, the loop turns until the next is there", () => {
  const { loop, isAwake, turn } = handDriven();
  const wakefulness = new Wakefulness(loop);
  wakefulness.begin()();
  const came = wakefulness.begin();
  for (let i = 0; i < 5; i++) {
    expect(isAwake()).toBe(true);
    turn();
  }
  came();
  turn();
  expect(isAwake()).toBe(false);
});

test("what does not come within a moment is slept for, and so is what is awaited after it", () => {
  const { loop, isAwake, turn, advance } = handDriven();
  const wakefulness = new Wakefulness(loop);
  wakefulness.begin()();
  const came = wakefulness.begin();
  advance(0.9);
  turn();
  expect(isAwake()).toBe(true);
  advance(0.2);
  turn();
  expect(isAwake()).toBe(false);
  came();
  wakefulness.begin()();
  expect(isAwake()).toBe(false);
  // That one came within a moment again.
  wakefulness.begin();
  expect(isAwake()).toBe(true);
});

test("of several that are awaited, the last that comes ends it, and the youngest says for how long", () => {
  const { loop, isAwake, turn, advance } = handDriven();
  const wakefulness = new Wakefulness(loop);
  wakefulness.begin()();
  const first = wakefulness.begin();
  advance(0.6);
  const second = wakefulness.begin();
  first();
  advance(0.6);
  turn();
  expect(isAwake()).toBe(true);
  second();
  turn();
  expect(isAwake()).toBe(false);
});

test("with one core nobody stays awake: whoever is awaited has to run", () => {
  const { loop, isAwake } = handDriven({ hasOtherCores: false });
  const wakefulness = new Wakefulness(loop);
  wakefulness.begin()();
  wakefulness.begin();
  expect(isAwake()).toBe(false);
});

/** An event loop of which each turn is made by hand. */
function handDriven({ hasOtherCores = true } = {}): {
  loop: Loop;
  isAwake: () => boolean;
  turn: () => void;
  advance: (ms: number) => void;
} {
  let now = 100;
  let next: (() => void) | undefined;
  const inNextTurn = (callback: () => void): void => {
    expect(next, "one chain of turns").toBeUndefined();
    next = callback;
  };
  return {
    loop: { now: () => now, inNextTurn, hasOtherCores },
    isAwake: () => next !== undefined,
    turn: () => {
      const callback = next;
      next = undefined;
      callback?.();
    },
    advance: (ms) => void (now += ms),
  };
}
