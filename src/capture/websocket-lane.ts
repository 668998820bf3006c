// What came from one side of a relayed WebSocket and waits for its release, in order.

import type { Answer } from "../exchange/outcome.ts";
import type { CloseFrame } from "../exchange/websocket.ts";

/** How the real server did not come about: its answer, or what the network said. */
export type DialFailure =
  | { readonly kind: "refused"; readonly answer: Answer; discard(): void }
  | { readonly kind: "failed"; readonly error: Error };

export type Held =
  | { readonly kind: "frame"; readonly data: Buffer; readonly isBinary: boolean }
  | { readonly kind: "close"; readonly close: CloseFrame }
  | { readonly kind: "failure"; readonly failure: DialFailure };

export interface HoldLimits {
  readonly maxHeldFrames: number;
  readonly maxHeldBytes: number;
}

export class WebSocketLane {
  #limits: HoldLimits;
  #carryOn: (held: Held, isForwarded: boolean) => void;
  #held: { readonly held: Held; isForwarded: boolean | undefined }[] = [];
  #bytes = 0;
  /** The number of the oldest one held. */
  #first = 0;

  /** `carryOn` is called once for each, in order. */
  constructor(limits: HoldLimits, carryOn: (held: Held, isForwarded: boolean) => void) {
    this.#limits = limits;
    this.#carryOn = carryOn;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  get isFull(): boolean {
    const { maxHeldFrames, maxHeldBytes } = this.#limits;
    return this.#held.length >= maxHeldFrames || this.#bytes >= maxHeldBytes;
  }

  /** Returns its number. */
  hold(held: Held): number {
    this.#bytes += bytesOf(held);
    return this.#first + this.#held.push({ held, isForwarded: undefined }) - 1;
  }

  /** What is not held, or was released before, is passed over. */
  release(n: number, isForwarded: boolean): void {
    const entry = this.#held[n - this.#first];
    if (entry === undefined) return;
    entry.isForwarded ??= isForwarded;
    this.#flush();
  }

  releaseAll(isForwarded: boolean): void {
    for (const entry of this.#held) entry.isForwarded ??= isForwarded;
    this.#flush();
  }

  #flush(): void {
    for (;;) {
      const [oldest] = this.#held;
      if (oldest?.isForwarded === undefined) return;
      this.#held.shift();
      this.#first++;
      this.#bytes -= bytesOf(oldest.held);
      this.#carryOn(oldest.held, oldest.isForwarded);
    }
  }
}

function bytesOf(held: Held): number {
  return held.kind === "frame" ? held.data.length : 0;
}
