// Time as a channel sees it. Captured at import, so a test's fake timers do not stop the wire.

export type Timer = unknown;

export interface Clock {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly setTimer: (callback: () => void, delayMs: number) => Timer;
  readonly clearTimer: (timer: Timer) => void;
  /** Runs `callback` when the current turn has done all it has to do, before any other input is read. */
  readonly defer: (callback: () => void) => void;
  /** True while a debugger holds this process: then nothing times out. */
  readonly isPaused: () => boolean;
}

const { setTimeout, clearTimeout, queueMicrotask, performance } = globalThis;
/** Longer delays overflow a 32-bit integer and would fire at once. */
const MAX_DELAY_MS: number = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimer: (timer) => clearTimeout(timer as number),
  defer: (callback) => queueMicrotask(callback),
  isPaused: () => false,
};
