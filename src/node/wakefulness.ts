// Waiting awake. To fall asleep and to be woken costs a process more than many an answer takes: where the last one came
// within a moment, the event loop turns until the next one is there. docs/decisions/0023 says what that is worth.

import { availableParallelism } from "node:os";
import type { Undo } from "../lifetime.ts";
import { nodeClock } from "./node-clock.ts";

/** What it takes of the event loop. */
export interface Loop {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly inNextTurn: (callback: () => void) => void;
  /** Else whoever is awaited could not run. */
  readonly hasOtherCores: boolean;
}

/** Nobody stays awake for longer. What takes longer is slept for, and so is what is awaited after it. */
const MOMENT_MS = 1;

const nodeLoop: Loop = {
  now: nodeClock.now,
  // Captured at import, as the clock is.
  inNextTurn: setImmediate,
  hasOtherCores: availableParallelism() > 1,
};

/** Of one who awaits the same kind of thing, from the same side, again and again. */
export class Wakefulness {
  #loop: Loop;
  #wasQuick = false;
  #awaited = 0;
  #until = 0;
  #isTurning = false;

  constructor(loop: Loop = nodeLoop) {
    this.#loop = loop;
  }

  /** Something is awaited from now on; until the undo, which says that it came. */
  begin(): Undo {
    const { now, hasOtherCores } = this.#loop;
    const begunAt = now();
    this.#awaited++;
    if (this.#wasQuick && hasOtherCores) this.#stayAwake(begunAt + MOMENT_MS);
    return () => {
      this.#awaited--;
      this.#wasQuick = now() - begunAt < MOMENT_MS;
    };
  }

  #stayAwake(until: number): void {
    this.#until = until;
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#loop.inNextTurn(this.#turn);
  }

  #turn = (): void => {
    const { now, inNextTurn } = this.#loop;
    this.#isTurning = this.#awaited > 0 && now() < this.#until;
    if (this.#isTurning) inNextTurn(this.#turn);
  };
}
