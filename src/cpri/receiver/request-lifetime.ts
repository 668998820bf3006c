// How long the client of a request listens: while it is decided the call says, and afterwards the body of the answer.

import { CrosswireError } from "../../errors.ts";

export class RequestLifetime {
  #call: { readonly signal: AbortSignal };
  #controller: AbortController | undefined;
  #isOver = false;

  /** `call` is the question: its signal aborts when nobody waits for the answer. */
  constructor(call: { readonly signal: AbortSignal }) {
    this.#call = call;
  }

  /** HOT: benchmarks/cpri. Made for who asks for it. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const { signal } = this.#call;
      this.#controller = new AbortController();
      const follow = (): void => this.#controller?.abort(signal.reason);
      if (signal.aborted) follow();
      else signal.addEventListener("abort", follow, { once: true });
      if (this.#isOver) this.end();
    }
    return this.#controller.signal;
  }

  /** The client is gone. */
  end(): void {
    this.#isOver = true;
    this.#controller?.abort(new CrosswireError("XW_CANCELLED"));
  }
}
