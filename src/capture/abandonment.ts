// That a client gave up, for those who only have to be told: the part of an AbortSignal that the wire takes. A real one
// costs more than the rest of an exchange, and most are never listened to.

import type { Signal } from "../channel/abort.ts";
import { CrosswireError } from "../errors.ts";

export class Abandonment implements Signal {
  #listeners: Set<() => void> | undefined;
  #reason: CrosswireError | undefined;
  #controller: AbortController | undefined;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Made for who asks for it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  addEventListener(_type: "abort", listener: () => void): void {
    (this.#listeners ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** Only the first time counts. */
  happen(): void {
    if (this.aborted) return;
    this.#reason = new CrosswireError("XW_CANCELLED");
    this.#controller?.abort(this.#reason);
    for (const listener of this.#listeners ?? []) listener();
  }
}
