// A handler for one method and one pattern of URLs, which remembers what it was asked.

import { isResponse } from "../../http/intercept/send-response.ts";
import type { AskedRequest, HandlerResult, HttpHandler } from "../handler.ts";
import { Interest } from "../interest.ts";
import { type Distance, distanceOf } from "./distance.ts";
import { compilePattern, type PathPattern, type Pattern } from "./path-pattern.ts";
import type { Params } from "./pattern-parts.ts";
import { type HttpResolver, ResolverContext } from "./resolver-context.ts";

export interface HandlerOptions {
  /** For one request only. One for which it returns nothing does not count. */
  readonly once?: boolean;
}

/** One request for which a handler was run. */
export interface HandlerCall {
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  readonly params: Params;
  /** A new one for each access; its body is read from its beginning. */
  readonly request: Request;
}

/** So many of the latest calls are remembered. */
const MAX_CALLS = 1_000;

export class RouteHandler implements HttpHandler {
  readonly kind = "http";
  readonly label: string;
  readonly interest: Interest;
  readonly #method: string;
  readonly #pattern: PathPattern;
  readonly #resolver: HttpResolver;
  readonly #isOnce: boolean;
  /** Of one for a single request: the request that has it, or had it. */
  #claimedBy: AskedRequest | undefined;
  #calls: HandlerCall[] = [];

  /** "*" is any method. */
  constructor(method: string, pattern: Pattern, resolver: HttpResolver, options: HandlerOptions) {
    this.#pattern = compilePattern(pattern);
    this.#method = method;
    this.#resolver = resolver;
    this.#isOnce = options.once === true;
    this.label = `${method === "*" ? "any method" : method} ${String(pattern)}`;
    this.interest = new Interest(method, this.#pattern.outline);
  }

  /** What it was run for, the latest last. */
  get calls(): readonly HandlerCall[] {
    return this.#calls;
  }

  clearCalls(): void {
    this.#calls = [];
  }

  handle(request: AskedRequest): ReturnType<HttpHandler["handle"]> {
    // HOT: benchmarks/cpri. Nearly all handlers are asked in vain.
    if (!this.#isMethod(request.method)) return undefined;
    const params = this.#pattern.match(request.location);
    if (params === undefined) return undefined;
    if (this.#isOnce) {
      // At once, and not when it has answered: another request must not get it in the meantime.
      if (this.#claimedBy !== undefined) return undefined;
      this.#claimedBy = request;
    }
    this.#remember(request, params);
    return { result: this.#run(request, params) };
  }

  distance({ method, location }: Pick<AskedRequest, "method" | "location">): Distance {
    return distanceOf({
      isMethod: this.#isMethod(method),
      isUsed: this.#isOnce && this.#claimedBy !== undefined,
      pattern: this.#pattern,
      location,
    });
  }

  reset(): void {
    this.#claimedBy = undefined;
  }

  #isMethod(method: string): boolean {
    const own = this.#method;
    return own === method || own === "*" || own === method.toUpperCase();
  }

  #run(request: AskedRequest, params: Params): HandlerResult | Promise<HandlerResult> {
    const release = (): void => {
      if (this.#claimedBy === request) this.#claimedBy = undefined;
    };
    const settle = (result: HandlerResult | void): HandlerResult => {
      if (result !== undefined && result !== null) return result;
      release();
      return undefined;
    };
    try {
      const result = this.#resolver(new ResolverContext(request, params));
      return isPromise(result) ? result.then(settle, thrownResponse) : settle(result);
    } catch (error) {
      return thrownResponse(error);
    }
  }

  #remember(request: AskedRequest, params: Params): void {
    if (this.#calls.length === MAX_CALLS) this.#calls.shift();
    this.#calls.push(new Call(request, params));
  }
}

class Call implements HandlerCall {
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  readonly params: Params;
  readonly #request: AskedRequest;

  constructor(request: AskedRequest, params: Params) {
    this.requestId = request.id;
    this.method = request.method;
    this.url = request.url;
    this.params = params;
    this.#request = request;
  }

  get request(): Request {
    return this.#request.toRequest();
  }
}

/** As in MSW: `throw HttpResponse.json(…)` leaves a resolver from deep inside. */
function thrownResponse(error: unknown): HandlerResult {
  if (isResponse(error)) return error;
  throw error;
}

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | null | undefined)?.then === "function";
}
