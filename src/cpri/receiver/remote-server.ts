// The deciding end, in a test process: handlers for what other processes send.

import { AsyncLocalStorage } from "node:async_hooks";
import { CrosswireError } from "../../errors.ts";
import { warn } from "../../node/diagnostics.ts";
import { assertOptions, REMOTE_OPTIONS } from "../arguments.ts";
import type { Asked } from "../asked-request.ts";
import type { Scope, State, WireInterest } from "../cpri-ipc.ts";
import type { Handler, HandlerInput } from "../handler.ts";
import { HandlerScopes, type ScopeId } from "../handler-scopes.ts";
import type { HandlerList } from "../handlers/handler-list.ts";
import { explainMiss } from "../handlers/near-miss.ts";
import { compilePattern, type Pattern } from "../handlers/path-pattern.ts";
import type { Interest } from "../interest.ts";
import { RemoteContext } from "./context.ts";
import { LifeCycle } from "./life-cycle.ts";
import { Listening, type ListenOptions } from "./listening.ts";
import { Monitor } from "./monitor.ts";
import type { AttachedSender } from "./senders.ts";
import { type OnUnhandledRequest, UnhandledStrategy } from "./unhandled.ts";

export interface RemoteServerOptions extends ListenOptions {
  /** "warn" unless given. */
  readonly onUnhandledRequest?: OnUnhandledRequest;
}

export interface WaitOptions {
  readonly timeoutMs?: number;
}

/** Which request is waited for: a pattern as handlers have it, with a method before it or not; or a function. */
export type RequestMatch = Pattern | ((request: Request) => boolean);

const WAIT_MS = 5_000;

export class RemoteServer {
  readonly events: LifeCycle;
  #options: RemoteServerOptions;
  #scopes: HandlerScopes;
  #monitor: Monitor;
  #unhandled: UnhandledStrategy;
  #listening: Listening | undefined;
  #starting: Promise<void> | undefined;
  #boundary = new AsyncLocalStorage<RemoteContext>();

  constructor(handlers: readonly HandlerInput[], options: RemoteServerOptions) {
    this.#options = options;
    this.#scopes = new HandlerScopes(handlers);
    this.#unhandled = this.#strategyOf(options);
    this.events = new LifeCycle(warn, () => this.#tell([]));
    this.#monitor = new Monitor(this.events, (id) => this.#listening?.senders.get(id)?.pid ?? 0);
  }

  /**
   * Resolves when the senders that are there already are attached; at once where it listens.
   * Without it, the first `use` does it, and then the process is not kept alive. Rejects with XW_LISTEN.
   */
  async listen(options: RemoteServerOptions = {}): Promise<void> {
    assertOptions(options, REMOTE_OPTIONS);
    if (this.#starting === undefined) {
      this.#options = { ...this.#options, ...options };
      this.#unhandled = this.#strategyOf(this.#options);
    }
    await this.#start();
  }

  /** Adds handlers, which are asked before the ones that are there. Resolves when every attached sender knows. */
  async use(...handlers: readonly HandlerInput[]): Promise<void> {
    await this.#change(this.#boundary.getStore()?.id, (list) => list.use(...handlers));
  }

  /** Only the initial handlers are left, or those of `next`. */
  async resetHandlers(...next: readonly HandlerInput[]): Promise<void> {
    await this.#change(this.#boundary.getStore()?.id, (list) => list.resetHandlers(...next));
  }

  /** Handlers that were to be used once may be used again. */
  async restoreHandlers(): Promise<void> {
    await this.#change(this.#boundary.getStore()?.id, (list) => list.restoreHandlers());
  }

  /** In the order in which they are asked. */
  listHandlers(): readonly Handler[] {
    return this.#listOf(this.#boundary.getStore()?.id).list();
  }

  /** Handlers of its own, for the requests that are sent on behalf of one that carries its headers. */
  context(): RemoteContext {
    const contextId = this.#scopes.create();
    // Now, and not with its first handlers: nobody is to wait for a receiver that is there.
    this.#tell([contextId]);
    return new RemoteContext(contextId, {
      use: (id, handlers) => this.#change(id, (list) => list.use(...handlers)),
      resetHandlers: (id, next) => this.#change(id, (list) => list.resetHandlers(...next)),
      listHandlers: (id) => this.#listOf(id).list(),
      end: (id) => this.#end(id),
    });
  }

  /** Runs `run` in a context of its own: what it does with handlers concerns only this context. */
  async boundary<Result>(
    run: (context: RemoteContext) => Result | Promise<Result>,
  ): Promise<Result> {
    const context = this.context();
    try {
      return await this.#boundary.run(context, () => run(context));
    } finally {
      await context.end();
    }
  }

  /** What a process has to have in its environment to be attached to this receiver, and to no other. */
  get env(): { readonly CROSSWIRE_URL: string; readonly CROSSWIRE_TOKEN: string } {
    if (this.#listening === undefined || this.#listening.server.getPort() === 0) {
      throw new CrosswireError(
        "XW_NOT_CONNECTED",
        "The receiver has no address yet: await remote.listen() first.",
      );
    }
    return this.#listening.server.env;
  }

  /** The processes that are attached. */
  senders(): AttachedSender[] {
    return this.#listening?.senders.list() ?? [];
  }

  /** Resolves when every attached sender knows of all handlers and listeners. */
  async sync(): Promise<void> {
    await this.#start(false);
    await this.#listening?.senders.sync();
  }

  /** Resolves when no request is being answered, in this boundary or anywhere. Rejects with XW_TIMEOUT. */
  idle({ timeoutMs = WAIT_MS }: WaitOptions = {}): Promise<void> {
    return this.#monitor.idle(this.#boundary.getStore()?.id, timeoutMs);
  }

  /**
   * The first request from now on that matches, in this boundary or anywhere. Rejects with XW_TIMEOUT.
   *
   * @example
   * const seen = remote.waitForRequest("POST https://api.example.com/orders")
   * await page.click("text=Buy")
   * expect(await (await seen).json()).toEqual({ item: 7 })
   */
  async waitForRequest(
    match: RequestMatch,
    { timeoutMs = WAIT_MS }: WaitOptions = {},
  ): Promise<Request> {
    const matches = matcherOf(match);
    const contextId = this.#boundary.getStore()?.id;
    const isMeant = (request: Asked): boolean =>
      (contextId === undefined || request.contextId === contextId) && matches(request);
    const what = typeof match === "function" ? "as the function wants it" : String(match);
    const found = this.#monitor.next(isMeant, what, timeoutMs);
    this.#tell([]);
    try {
      return (await found).toRequest();
    } finally {
      this.#tell([]);
    }
  }

  /** Detaches from all senders, which then do without. */
  async close(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    this.#starting = undefined;
    await listening?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #start(keepsAlive = true): Promise<void> {
    if (this.#starting !== undefined) return this.#starting;
    const options = { keepsAlive, ...this.#options };
    const listening = new Listening(options, {
      scopes: this.#scopes,
      monitor: this.#monitor,
      state: () => this.#state(this.#scopes.ids()),
      unhandled: () => this.#unhandled,
    });
    this.#listening = listening;
    const starting = listening.start().catch((error: unknown) => {
      if (this.#listening === listening) this.#starting = this.#listening = undefined;
      throw error;
    });
    this.#starting = starting;
    return starting;
  }

  async #change(id: ScopeId, change: (list: HandlerList) => void): Promise<void> {
    change(this.#listOf(id));
    this.#tell([id]);
    await this.#start(false);
    await this.#listening?.senders.sync();
  }

  async #end(id: string): Promise<void> {
    if (this.#scopes.get(id) === undefined) return;
    this.#scopes.end(id);
    this.#tell([id]);
    await this.#listening?.senders.sync();
  }

  #listOf(id: ScopeId): HandlerList {
    const list = this.#scopes.get(id);
    if (list !== undefined) return list;
    throw new CrosswireError("XW_CLOSED", `The context ${id} has ended; its handlers are gone.`);
  }

  #tell(ids: readonly ScopeId[]): void {
    this.#listening?.senders.tell(this.#state(ids));
  }

  #state(ids: readonly ScopeId[]): State {
    const watches = this.events.isWatched || this.#monitor.isWaitedFor;
    return { unhandled: this.#unhandled.mode, watches, scopes: ids.map((id) => this.#scopeOf(id)) };
  }

  #scopeOf(id: ScopeId): Scope {
    const interests = this.#scopes.get(id)?.interests();
    const http = interests === undefined ? null : toWire(interests.http);
    const websocket = interests === undefined ? null : toWire(interests.websocket);
    return id === undefined ? { http, websocket } : { contextId: id, http, websocket };
  }

  #strategyOf({ onUnhandledRequest = "warn" }: RemoteServerOptions): UnhandledStrategy {
    return new UnhandledStrategy(onUnhandledRequest, (method, url, contextId) => {
      const ids = new Set([contextId, undefined]);
      const handlers = [...ids].flatMap((id) => this.#scopes.get(id)?.list() ?? []);
      return explainMiss({ method, location: new URL(url) }, handlers);
    });
  }
}

function toWire(interests: readonly Interest[]): readonly WireInterest[] {
  return interests.map(({ method, outline }) => [method, outline]);
}

function matcherOf(match: RequestMatch): (request: Asked) => boolean {
  if (typeof match === "function") return (request) => match(request.toRequest());
  // Not `test`, which goes on from where it found something.
  if (match instanceof RegExp) return ({ url }) => url.search(match) !== -1;
  const [, method, url = match] = /^([A-Z]+)\s+(.+)$/.exec(match) ?? [];
  const pattern = compilePattern(url);
  return (request) =>
    (method === undefined || method === request.method) &&
    pattern.match(request.location) !== undefined;
}
