// The clock of Node processes: the end of a turn is nextTick, and a debugger is asked for by the inspector.

import { type Clock, systemClock } from "../channel/clock.ts";

const nextTick = process.nextTick.bind(process);

/** What is to run at the end of this turn: one tick for all, however many connections a broadcast reaches. */
let deferred: (() => void)[] = [];

export const nodeClock: Clock = {
  ...systemClock,
  // After all microtasks: the answers of many async handlers of one frame leave in one frame too.
  defer: (callback) => {
    if (deferred.push(callback) === 1) nextTick(runDeferred);
  },
  // Loaded when it is first asked for: every preloaded process would pay for it.
  isPaused: () => process.getBuiltinModule("node:inspector").url() !== undefined,
};

/** The same, for what must not keep the process alive. */
export const backgroundClock: Clock = {
  ...nodeClock,
  setTimer: (callback, delayMs) => {
    const timer = nodeClock.setTimer(callback, delayMs) as NodeJS.Timeout;
    return timer.unref();
  },
};

function runDeferred(): void {
  const callbacks = deferred;
  deferred = [];
  for (const callback of callbacks) {
    try {
      callback();
    } catch (error) {
      // One connection's failure must not keep the others from being flushed.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
