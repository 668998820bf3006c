// A network takes a turn of the event loop: who asks in a loop leaves one to timers and sockets. All that is answered
// in one turn is answered together in the next one, so that what is asked thereupon can be asked together.

import { AsyncResource } from "node:async_hooks";

// Captured, so that fake timers of a test do not stop it.
const { setImmediate } = globalThis;

interface Entry {
  readonly callback: () => void;
  /** Of whoever called. */
  readonly context: AsyncResource;
}

let entries: Entry[] = [];

/** HOT: benchmarks/cpri. */
export function inNextTurn(callback: () => void): void {
  const context = new AsyncResource("CrosswireTurn", { requireManualDestroy: true });
  if (entries.push({ callback, context }) === 1) setImmediate(runAll);
}

function runAll(): void {
  const due = entries;
  entries = [];
  for (const { callback, context } of due) {
    try {
      context.runInAsyncScope(callback);
    } catch (error) {
      // What one of them throws is nothing to the others.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
