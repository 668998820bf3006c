// Waiting that ends: for a promise, but not for longer than a bound.

import { nodeClock } from "./node-clock.ts";

/** Whether the promise settled in time. */
export function settlesWithin(promise: Promise<unknown>, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = nodeClock.setTimer(() => resolve(false), Math.max(0, waitMs));
    const settled = (): void => {
      nodeClock.clearTimer(timer);
      resolve(true);
    };
    promise.then(settled, settled);
  });
}
