// The handlers that are asked, in order: those added last come first, and who returns something ends the search.

import type { Outcome } from "../../exchange/outcome.ts";
import type {
  AskedRequest,
  Handler,
  HandlerInput,
  HttpHandler,
  WebSocketHandler,
} from "../handler.ts";
import type { Interest } from "../interest.ts";
import { toHandler } from "./to-handler.ts";

/** The handler that wanted a request, and what it returned, or threw. */
export type Resolved =
  | { readonly handler: HttpHandler; readonly result: Response | Outcome }
  | { readonly handler: HttpHandler; readonly error: unknown };

export interface Interests {
  readonly http: readonly Interest[];
  readonly websocket: readonly Interest[];
}

export class HandlerList {
  readonly #initial: readonly Handler[];
  /** Never changed in place: a search that waits goes on in the one it began with. */
  #handlers: readonly Handler[];
  #http: readonly HttpHandler[] = [];
  #interests: Interests = { http: [], websocket: [] };

  constructor(initial: readonly HandlerInput[] = []) {
    this.#initial = initial.map(toHandler);
    this.#handlers = this.#initial;
    this.#sort();
  }

  /** They come before all others, in the order given. */
  use(...handlers: readonly HandlerInput[]): void {
    this.#handlers = [...handlers.map(toHandler), ...this.#handlers];
    this.#sort();
  }

  /** Only the initial ones are left, or, as long as there are some, `next`; and all can be used again. */
  resetHandlers(...next: readonly HandlerInput[]): void {
    const given = next.map(toHandler);
    this.restoreHandlers();
    this.#handlers = given.length > 0 ? given : this.#initial;
    this.#sort();
    this.restoreHandlers();
  }

  /** Those that were to be used once can be used again. */
  restoreHandlers(): void {
    for (const handler of this.#http) handler.reset();
  }

  list(): readonly Handler[] {
    return this.#handlers;
  }

  /** What they could want, each said once. */
  interests(): Interests {
    return this.#interests;
  }

  webSockets(): readonly WebSocketHandler[] {
    return this.#handlers.filter((handler) => handler.kind === "websocket");
  }

  /** The first that returns something. Never rejects: what a handler throws is told with the handler. */
  async resolve(request: AskedRequest): Promise<Resolved | undefined> {
    // HOT: benchmarks/cpri. A promise is only waited for where a handler returned one.
    for (const handler of this.#http) {
      try {
        const handled = handler.handle(request);
        if (handled === undefined) continue;
        const { result: given } = handled;
        const result = isPromise(given) ? await given : given;
        if (isWanted(result)) return { handler, result };
      } catch (error) {
        return { handler, error };
      }
    }
    return undefined;
  }

  #sort(): void {
    this.#http = this.#handlers.filter((handler) => handler.kind === "http");
    this.#interests = { http: distinct(this.#http), websocket: distinct(this.webSockets()) };
  }
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | null | undefined)?.then === "function";
}

/** The outcome "unhandled" is another way to return nothing. */
function isWanted(result: Response | Outcome | undefined): result is Response | Outcome {
  if (result === undefined || result === null) return false;
  return !("kind" in Object(result)) || (result as Outcome).kind !== "unhandled";
}

function distinct(handlers: readonly { readonly interest: Interest }[]): readonly Interest[] {
  const all = new Map(
    handlers.map(({ interest }) => [`${interest.method} ${interest.outline}`, interest]),
  );
  const anything = all.get("* *");
  if (anything !== undefined) return [anything];
  // Who wants any URL with a method wants those too that look like something.
  return [...all.values()].filter(
    ({ method, outline }) => outline === "*" || !all.has(`${method} *`),
  );
}
