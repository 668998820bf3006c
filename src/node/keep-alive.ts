// A reason for the process to go on, for those whose connections are none: somebody waits for them.

import type { Undo } from "../lifetime.ts";
import { nodeClock } from "./node-clock.ts";

const FOREVER_MS: number = 2 ** 31 - 1;

/** Until the undo. */
export function keepAlive(): Undo {
  const timer = nodeClock.setTimer(() => {}, FOREVER_MS);
  return () => nodeClock.clearTimer(timer);
}
