// The clock of Node processes: the end of a turn is nextTick, and a debugger is asked for by the inspector.

import { url as inspectorUrl } from "node:inspector";
import { type Clock, systemClock } from "../channel/clock.ts";

const nextTick = process.nextTick.bind(process);

export const nodeClock: Clock = {
  ...systemClock,
  // After all microtasks: the answers of many async handlers of one frame leave in one frame too.
  defer: (callback) => nextTick(callback),
  isPaused: () => inspectorUrl() !== undefined,
};
