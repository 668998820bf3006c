// Catches what this process sends by HTTP and WebSocket before it leaves, and has a function decide about it.

import type { Outcome } from "../exchange/outcome.ts";
import { isCapturing, markCapture } from "./capture-mark.ts";
import type { Caught, Catcher } from "./caught.ts";
import { contextId, followContexts, isInternal } from "./context.ts";
import type { CapturedRequest, Decision } from "./decision.ts";
import { Exchange } from "./exchange.ts";
import { hookFetch } from "./fetch-hook.ts";
import { hookHttp } from "./http-hook.ts";
import { Patches } from "./patches.ts";
import { hookUndici } from "./undici-hook.ts";
import { VirtualOrigin } from "./virtual-origin.ts";

const DECISION_TIMEOUT_MS = 30_000;

export interface CaptureOptions {
  /** Runs with capture off: what it sends itself goes to the network. */
  readonly decide: (request: CapturedRequest) => Outcome | Promise<Outcome>;
  /** Likewise for WebSockets; without it they go to the network. A `respond` refuses one. */
  readonly decideWebSocket?: (request: CapturedRequest) => Decision | Promise<Decision>;
  /** Asked for every request, so it has to be fast. What it says no to is not touched at all. */
  readonly mayMatch?: (method: string, url: string) => boolean;
  /** Told of requests that this said no to. */
  readonly onUnwanted?: (method: string, url: string) => void;
  /** Told of requests that undici sent without asking: its agent was at work before the capture began. */
  readonly onUnseen?: (method: string, url: string) => void;
  readonly decisionTimeoutMs?: number;
  /**
   * That `decide` sends nothing itself, so that it need not run with capture off. AsyncLocalStorage, which that takes,
   * makes every promise of a process dearer before Node 24.
   */
  readonly sendsNothing?: boolean;
}

export interface Capture {
  /** Puts every function back, and lets go to the network what is not decided yet. */
  close(): Promise<void>;
}

/** One per process: two would ask each other for ever. A second one throws a TypeError. */
export function startCapture(options: CaptureOptions): Capture {
  if (typeof options?.decide !== "function") {
    throw new TypeError("A capture needs a function decide(request), which returns an outcome.");
  }
  if (isCapturing()) {
    throw new TypeError("A capture is active in this process already; close it first.");
  }
  const patches = new Patches();
  markCapture(patches);
  const running = new Running(options);
  try {
    followContexts(patches);
    hookHttp(running, patches);
    hookFetch(running, patches, hookUndici(running, patches));
  } catch (error) {
    patches.restore();
    throw error;
  }
  return {
    close: async () => {
      patches.restore();
      running.close();
    },
  };
}

class Running implements Catcher {
  readonly unseen: CaptureOptions["onUnseen"];
  #options: CaptureOptions;
  #origin = new VirtualOrigin();
  #undecided = new Set<Exchange>();
  #count = 0;
  #isClosed = false;

  constructor(options: CaptureOptions) {
    this.#options = options;
    this.unseen = options.onUnseen;
  }

  wants(method: string, url: string): boolean {
    if (this.#isClosed || isInternal()) return false;
    const isWebSocket = url.startsWith("ws");
    if (isWebSocket && this.#options.decideWebSocket === undefined) return false;
    return this.#options.mayMatch?.(method, url) ?? true;
  }

  unwanted(method: string, url: string): void {
    if (!this.#isClosed && !isInternal()) this.#options.onUnwanted?.(method, url);
  }

  take(caught: Caught): () => void {
    const { decide, decideWebSocket, decisionTimeoutMs = DECISION_TIMEOUT_MS } = this.#options;
    const { sendsNothing = false } = this.#options;
    const { method, url, client } = caught;
    // A request whose head became final after the end.
    if (this.#isClosed) {
      caught.pass(undefined);
      return () => {};
    }
    const id = String(++this.#count);
    const owner = contextId();
    const head = { id, method, url, headers: caught.headers(), client };
    const exchange = new Exchange(caught, this.#origin, {
      head: owner === undefined ? head : { ...head, contextId: owner },
      decide: (request): Decision | Promise<Decision> =>
        client === "websocket" && decideWebSocket !== undefined
          ? decideWebSocket(request)
          : decide(request),
      timeoutMs: decisionTimeoutMs,
      sendsNothing,
      onDecided: () => void this.#undecided.delete(exchange),
    });
    this.#undecided.add(exchange);
    exchange.ask();
    return () => exchange.abandon();
  }

  close(): void {
    this.#isClosed = true;
    for (const exchange of this.#undecided) exchange.release();
    this.#origin.close();
  }
}
