// Handlers for the requests of one test only, though many tests share the application: those on whose behalf a request
// is sent say so by a header that the application need not know.

import type { Handler, HandlerInput } from "../handler.ts";

/** Read by every sender, from incoming requests. */
const CONTEXT_HEADER = "x-crosswire-context";
const CONTEXT_COOKIE = "crosswire-ctx";

/** What a context can have done with its handlers. */
export interface ContextHome {
  use(contextId: string, handlers: readonly HandlerInput[]): Promise<void>;
  resetHandlers(contextId: string, next: readonly HandlerInput[]): Promise<void>;
  listHandlers(contextId: string): readonly Handler[];
  end(contextId: string): Promise<void>;
}

export class RemoteContext {
  readonly id: string;
  /** To be sent to the application with every request of this test. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same for browsers that cannot be told to send a header. */
  readonly cookie: { readonly name: string; readonly value: string };
  /** For an application of its own: all that it sends is of this context. */
  readonly env: { readonly CROSSWIRE_CONTEXT: string };
  #home: ContextHome;

  constructor(id: string, home: ContextHome) {
    this.id = id;
    this.headers = { [CONTEXT_HEADER]: id, baggage: `crosswire=${id}` };
    this.cookie = { name: CONTEXT_COOKIE, value: id };
    this.env = { CROSSWIRE_CONTEXT: id };
    this.#home = home;
  }

  /** Resolves when every attached sender knows. Later handlers come first. */
  use(...handlers: readonly HandlerInput[]): Promise<void> {
    return this.#home.use(this.id, handlers);
  }

  resetHandlers(...next: readonly HandlerInput[]): Promise<void> {
    return this.#home.resetHandlers(this.id, next);
  }

  listHandlers(): readonly Handler[] {
    return this.#home.listHandlers(this.id);
  }

  /** Its handlers are gone; requests that still carry its headers are treated as those of nobody. */
  end(): Promise<void> {
    return this.#home.end(this.id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}
