// The catching end as an application writes it into its code: its own handlers, and those of whatever test is attached.

import { internal } from "../capture/context.ts";
import type { CapturedRequest } from "../capture/decision.ts";
import type { Outcome } from "../exchange/outcome.ts";
import { APP_OPTIONS, assertOptions } from "./arguments.ts";
import { Asked } from "./asked-request.ts";
import type { Handler, HandlerInput } from "./handler.ts";
import { HandlerList } from "./handlers/handler-list.ts";
import { explainMiss } from "./handlers/near-miss.ts";
import { outcomeOf } from "./handlers/response-to-answer.ts";
import { mayMatch } from "./interest.ts";
import { type OnUnhandledRequest, UnhandledStrategy } from "./receiver/unhandled.ts";
import { refusedInProduction } from "./sender/production.ts";
import { joinSender } from "./sender/process-sender.ts";
import type { OwnHandlers, SenderOptions, WhenUnattached } from "./sender/sender.ts";

export interface RemoteOptions {
  /** Whether tests in other processes may answer for this one. */
  readonly enable: boolean;
  /** Of one receiver. Without: CROSSWIRE_URL, else all of the same name on this machine. */
  readonly url?: string;
  readonly token?: string;
  /** Without: CROSSWIRE_NAME, else the root of the workspace. */
  readonly name?: string;
  readonly whenUnattached?: WhenUnattached;
  /** How long a request waits for the test whose context it carries; 1 s. */
  readonly holdMs?: number;
  /** Origins that a context goes along to, such as "http://*.test:*". Without: those of this machine. */
  readonly forwardContextTo?: readonly string[];
  /** Also under NODE_ENV=production. */
  readonly force?: boolean;
}

export interface AppServerOptions {
  readonly remote?: RemoteOptions;
  /** "warn" unless given, or "bypass" with `remote`: then the test has a say of its own. */
  readonly onUnhandledRequest?: OnUnhandledRequest;
  /** A handler that takes longer fails its request; 30 s. */
  readonly decisionTimeoutMs?: number;
}

export class AppServer {
  #options: AppServerOptions;
  #handlers: HandlerList;
  #leave: (() => Promise<void>) | undefined;

  constructor(handlers: readonly HandlerInput[], options: AppServerOptions) {
    this.#options = options;
    this.#handlers = new HandlerList(handlers);
  }

  /** From now on what this process sends is caught. At once: no request is missed. */
  listen(options: AppServerOptions = {}): void {
    assertOptions(options, APP_OPTIONS);
    if (this.#leave !== undefined) return;
    const merged = { ...this.#options, ...options };
    const { remote, decisionTimeoutMs } = merged;
    const isRemote = remote?.enable === true && !refusedInProduction(remote.force ?? false);
    const own = new Own(
      this.#handlers,
      merged.onUnhandledRequest ?? (isRemote ? "bypass" : "warn"),
    );
    const settings: SenderOptions = { decisionTimeoutMs, ...(isRemote ? remote : {}) };
    this.#leave = joinSender(settings, { isRemote, own });
  }

  use(...handlers: readonly HandlerInput[]): void {
    this.#handlers.use(...handlers);
  }

  resetHandlers(...next: readonly HandlerInput[]): void {
    this.#handlers.resetHandlers(...next);
  }

  restoreHandlers(): void {
    this.#handlers.restoreHandlers();
  }

  listHandlers(): readonly Handler[] {
    return this.#handlers.list();
  }

  /** Puts everything back; what is not decided yet goes to the network. */
  async close(): Promise<void> {
    const leave = this.#leave;
    this.#leave = undefined;
    await leave?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class Own implements OwnHandlers {
  #handlers: HandlerList;
  #strategy: UnhandledStrategy;

  constructor(handlers: HandlerList, onUnhandledRequest: OnUnhandledRequest) {
    this.#handlers = handlers;
    this.#strategy = new UnhandledStrategy(onUnhandledRequest, (method, url) =>
      explainMiss({ method, location: new URL(url) }, this.#handlers.list()),
    );
  }

  mayMatch(method: string, url: string): boolean {
    return this.#strategy.mode !== "bypass" || this.#mayAnswer(method, url);
  }

  #mayAnswer(method: string, url: string): boolean {
    return mayMatch(this.#handlers.interests().http, method, url);
  }

  async decide(request: CapturedRequest): Promise<Outcome | undefined> {
    // Nothing is run in vain: `internal` makes every promise of the process dearer before Node 24.
    if (!this.#mayAnswer(request.method, request.url)) return undefined;
    const resolved = await internal(() => this.#handlers.resolve(asked(request)));
    return resolved === undefined ? undefined : outcomeOf(resolved);
  }

  async unhandled(request: CapturedRequest): Promise<Outcome> {
    const { method, url, contextId } = request;
    if (this.#strategy.mode === "ask") {
      return this.#strategy.decide(method, url, contextId, () => asked(request).toRequest());
    }
    this.#strategy.tell(method, url, contextId);
    return { kind: "unhandled" };
  }
}

function asked(request: CapturedRequest): Asked {
  const hasBody = request.method !== "GET" && request.method !== "HEAD";
  const body = hasBody ? (): AsyncIterable<Uint8Array> => request.body() : undefined;
  return new Asked({ head: request, signal: () => request.signal, body });
}
