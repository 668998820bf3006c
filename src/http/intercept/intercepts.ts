// The requests that handlers of this process answer: mocks and spies, added and removed at any time.
// Which of them gets a request is decided here; how one is served is told in serve-intercept.ts.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Undo } from "../../lifetime.ts";
import type { Limits } from "../../limits.ts";
import { pathOf, type Surface } from "../front.ts";
import { checked, type InterceptHandler } from "./checked-handler.ts";
import { HttpRefusal } from "./http-refusal.ts";
import type { PathParams } from "./path-params.ts";
import { type AnyRoute, type HttpMethod, type HttpRoute, readRoute } from "./route.ts";
import { MAX_PARAM_LENGTH, type Match, RouteTable } from "./route-table.ts";
import { sendFailure } from "./send-answer.ts";
import { type Intercept, serveIntercept } from "./serve-intercept.ts";
import { readTargetPath } from "./target-path.ts";

export interface InterceptOptions {
  /** `parse`, the default: the handler gets a value, by content type. `stream`: it gets the bytes as they come. */
  readonly body?: "parse" | "stream";
}

/** How `server.interceptHttp` may be called. */
export interface InterceptHttp {
  <const Path extends string>(
    method: HttpMethod,
    path: Path,
    handler: InterceptHandler<ReadableStream<Uint8Array>, PathParams<Path>>,
    options: InterceptOptions & { readonly body: "stream" },
  ): Undo;
  /** `Body` is what the handler says it expects; it is not checked. With a route it is. */
  <const Path extends string, Body = unknown>(
    method: HttpMethod,
    path: Path,
    handler: InterceptHandler<Body, PathParams<Path>>,
    options?: InterceptOptions & { readonly body?: "parse" },
  ): Undo;
  <Params, Body, Answer>(
    route: HttpRoute<Params, Body, Answer>,
    handler: InterceptHandler<NoInfer<Body>, NoInfer<Params>, NoInfer<Answer> | Response>,
  ): Undo;
}

/** How `server.removeInterceptHttp` may be called. */
export interface RemoveInterceptHttp {
  (method: HttpMethod, path: string): boolean;
  (route: AnyRoute): boolean;
}

type Found = Match<Intercept> | "too long" | undefined;

export class Intercepts implements Surface {
  /** By method. What stands under `*` is asked last. */
  #tables = new Map<string, RouteTable<Intercept>>();
  #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  readonly add: InterceptHttp = (...given: unknown[]): Undo => {
    const isRoute = typeof given[0] === "object" && given[0] !== null;
    const [handler, options] = (isRoute ? given.slice(1) : given.slice(2)) as [unknown, unknown];
    const route = routeOf(given[0], given[1]);
    const intercept = createIntercept(route, handler, options);
    const table = this.#tables.get(route.method) ?? new RouteTable<Intercept>();
    table.set(route.path, intercept);
    this.#tables.set(route.method, table);
    return () => {
      if (table.get(route.path) === intercept) table.delete(route.path);
    };
  };

  /** Whether there was one. */
  readonly remove: RemoveInterceptHttp = (first: unknown, path?: unknown): boolean => {
    const route = routeOf(first, path);
    return this.#tables.get(route.method)?.delete(route.path) ?? false;
  };

  answer(request: IncomingMessage, response: ServerResponse): boolean {
    // `OPTIONS *` is about the server, not about a path.
    const asked = pathOf(request);
    if (this.#tables.size === 0 || !asked.startsWith("/")) return false;
    const { path, fault } = readTargetPath(asked);
    const found = this.#find(request.method ?? "GET", path);
    if (found === undefined) return false;
    if (fault === undefined && isMatch(found)) {
      void serveIntercept(found, request, response, this.#limits);
    } else sendFailure(response, refusalOf(fault));
    return true;
  }

  /** RFC 9110 9.3.2: what answers GET answers HEAD; Node leaves the body out. */
  #find(method: string, path: string): Found {
    let found = this.#tables.get(method)?.find(path);
    if (method === "HEAD" && !isMatch(found)) found = this.#tables.get("GET")?.find(path) ?? found;
    return isMatch(found) ? found : (this.#tables.get("*")?.find(path) ?? found);
  }
}

function isMatch(found: Found): found is Match<Intercept> {
  return typeof found === "object";
}

function routeOf(first: unknown, path: unknown): AnyRoute {
  if (typeof first !== "object" || first === null) return readRoute(first, path);
  const { method, path: ownPath, schemas } = first as AnyRoute;
  return readRoute(method, ownPath, schemas);
}

function createIntercept(route: AnyRoute, handler: unknown, options: unknown): Intercept {
  const where = `${route.method} ${JSON.stringify(route.path)}`;
  if (typeof handler !== "function") {
    throw new TypeError(
      `The intercept of ${where} needs a function as its handler, not ${String(handler)}.`,
    );
  }
  const { body = "parse" } = (options ?? {}) as InterceptOptions;
  if (body !== "parse" && body !== "stream") {
    throw new TypeError(
      `The intercept of ${where} has the body ${String(body)}; there are "parse" and "stream".`,
    );
  }
  return { isStreamed: body === "stream", handle: checked(route, handler as InterceptHandler) };
}

/** Only what an intercept would answer is refused: all else may be right for whoever is asked next. */
function refusalOf(fault: string | undefined): HttpRefusal {
  return fault === undefined
    ? new HttpRefusal(
        414,
        "XW_REFUSED",
        `A parameter in the path is longer than ${MAX_PARAM_LENGTH} characters.`,
      )
    : new HttpRefusal(400, "XW_REFUSED", `The request is not answered: ${fault}.`);
}
