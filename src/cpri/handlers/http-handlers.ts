// `http.get(…)` and its siblings: how tests write what answers a request.

import type { Pattern } from "./path-pattern.ts";
import type { HttpResolver, PathParams } from "./resolver-context.ts";
import { type HandlerOptions, RouteHandler } from "./route-handler.ts";

/** Makes a handler. Throws a TypeError for what is no pattern or no resolver. */
export type DefineHandler = <P extends PathParams<keyof P> = PathParams, Body = unknown>(
  pattern: Pattern,
  resolver: HttpResolver<P, Body>,
  options?: HandlerOptions,
) => RouteHandler;

export type HttpMethod = "all" | "get" | "head" | "post" | "put" | "delete" | "patch" | "options";

/**
 * Handlers by method; `all` is for any. A pattern is a URL without a query, with `:name`, `:name?`, `:name+`, `:name*`
 * and `*`; or a path, of any origin; or a regular expression for the URL without its query.
 *
 * @example
 * http.get("https://example.com/users/:id", ({ params }) => HttpResponse.json({ id: params.id }))
 */
export const http: { readonly [Method in HttpMethod]: DefineHandler } = Object.freeze({
  all: definer("all", "*"),
  get: definer("get", "GET"),
  head: definer("head", "HEAD"),
  post: definer("post", "POST"),
  put: definer("put", "PUT"),
  delete: definer("delete", "DELETE"),
  patch: definer("patch", "PATCH"),
  options: definer("options", "OPTIONS"),
});

function definer(name: HttpMethod, method: string): DefineHandler {
  return (pattern, resolver, options = {}) => {
    if (typeof resolver !== "function") {
      throw new TypeError(
        `http.${name}(${String(pattern)}, …) needs a function that returns a Response, such as () => HttpResponse.json({ … }); it got ${resolver === null ? "null" : typeof resolver}.`,
      );
    }
    return new RouteHandler(method, pattern, resolver as unknown as HttpResolver, options);
  };
}
