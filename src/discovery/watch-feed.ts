// What one watcher has not been told yet. Bounded: who reads too slowly is told the whole state instead of each step.

import type { WatchItem } from "./discovery-ipc.ts";
import type { ServiceChange } from "./registry.ts";
import type { Service } from "./service.ts";

const MAX_WAITING = 1_000;

export class WatchFeed {
  #changes: ServiceChange[] = [];
  /** In the beginning, and after too many changes. */
  #needsAll = true;
  #wake: (() => void) | undefined;
  #isClosed = false;

  push(change: ServiceChange): void {
    if (!this.#needsAll) this.#changes.push(change);
    if (this.#changes.length > MAX_WAITING) {
      this.#changes = [];
      this.#needsAll = true;
    }
    this.#wake?.();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  /** Undefined when it is over. */
  async next(epoch: () => number, all: () => Service[]): Promise<WatchItem | undefined> {
    while (!this.#isClosed && !this.#needsAll && this.#changes.length === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#isClosed) return undefined;
    const changes = this.#changes;
    this.#changes = [];
    if (!this.#needsAll) return { epoch: epoch(), changes };
    this.#needsAll = false;
    return { epoch: epoch(), services: all() };
  }
}
