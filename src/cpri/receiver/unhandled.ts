// What becomes of requests that nobody wanted, neither a handler of a test nor one of the application. There is one
// who decides about it: the owner of the context, else the youngest receiver.

import type { Outcome } from "../../exchange/outcome.ts";
import type { UnhandledMode } from "../cpri-ipc.ts";

export interface UnhandledTools {
  /** Warns as the strategy "warn" does. */
  warning(): void;
  /** Fails the request as the strategy "error" does. */
  error(): void;
}

/** "warn" tells once of each method and path, "error" fails the request, "bypass" says nothing. */
export type OnUnhandledRequest =
  | "warn"
  | "error"
  | "bypass"
  | ((request: Request, tools: UnhandledTools) => void | Promise<void>);

const STRATEGIES: readonly unknown[] = ["warn", "error", "bypass"];
/** As many different requests are remembered, so that each is told of once. */
const MAX_TOLD = 1_000;

export class UnhandledStrategy {
  #strategy: OnUnhandledRequest;
  /** Says why no handler matched. */
  #explain: (method: string, url: string, contextId: string | undefined) => string;
  #told = new Set<string>();

  constructor(
    strategy: OnUnhandledRequest,
    explain: (method: string, url: string, contextId: string | undefined) => string,
  ) {
    if (typeof strategy !== "function" && !STRATEGIES.includes(strategy)) {
      throw new TypeError(
        `onUnhandledRequest is "warn", "error", "bypass" or a function, not ${JSON.stringify(strategy)}.`,
      );
    }
    this.#strategy = strategy;
    this.#explain = explain;
  }

  /** What senders do before they let such a request go. */
  get mode(): UnhandledMode {
    if (this.#strategy === "bypass") return "bypass";
    return this.#strategy === "warn" ? "tell" : "ask";
  }

  /** A request went to the network. */
  tell(method: string, url: string, contextId: string | undefined): void {
    if (this.#strategy === "warn") this.#warn(method, url, contextId);
  }

  /** What becomes of a request that still waits. */
  async decide(
    method: string,
    url: string,
    contextId: string | undefined,
    toRequest: () => Request,
  ): Promise<Outcome> {
    if (typeof this.#strategy !== "function") {
      return this.#strategy === "error" ? this.#failure(method, url, contextId) : PASSED;
    }
    let outcome = PASSED;
    await this.#strategy(toRequest(), {
      warning: () => this.#warn(method, url, contextId),
      error: () => {
        outcome = this.#failure(method, url, contextId);
      },
    });
    return outcome;
  }

  #warn(method: string, url: string, contextId: string | undefined): void {
    const key = `${method} ${url.split("?", 1)[0]}`;
    if (this.#told.has(key)) return;
    if (this.#told.size < MAX_TOLD) this.#told.add(key);
    const text = `${this.#explain(method, url, contextId)} It went to the network. Add a handler, or say listen({ onUnhandledRequest: "bypass" }).`;
    process.emitWarning(text, { type: "CrosswireWarning" });
  }

  #failure(method: string, url: string, contextId: string | undefined): Outcome {
    const message = this.#explain(method, url, contextId);
    return { kind: "error", code: "ECONNREFUSED", message };
  }
}

const PASSED: Outcome = { kind: "unhandled" };
