// What an intercept answers: a method and a path, and for the typed variant the schemas of what goes in and out.

import { METHODS } from "node:http";
import type { InputOf, OutputOf, StandardSchema } from "../../wire/schema.ts";
import type { PathParams } from "./path-params.ts";
import { keepSeparators } from "./target-path.ts";

/** In upper case; `*` stands for all that have no intercept of their own. */
export type HttpMethod =
  | "*"
  | "DELETE"
  | "GET"
  | "HEAD"
  | "OPTIONS"
  | "PATCH"
  | "POST"
  | "PUT"
  | (string & Record<never, never>);

export interface RouteSchemas {
  /** Of the path parameters, which are strings. A request that does not match is answered with 400. */
  readonly params?: StandardSchema;
  /** Of the parsed body. A request that does not match is answered with 400. */
  readonly body?: StandardSchema;
  /** Of what the handler returns, unless that is a `Response`. What does not match is answered with 500. */
  readonly response?: StandardSchema;
}

declare const TYPES: unique symbol;

/** A method and a path with the types of its handler. */
export interface HttpRoute<Params = unknown, Body = unknown, Answer = unknown> {
  readonly method: HttpMethod;
  readonly path: string;
  readonly schemas: RouteSchemas;
  /** For the compiler only. */
  readonly [TYPES]: (params: Params, body: Body) => Answer;
}

/** Any route, whatever its types. */
export type AnyRoute = Pick<HttpRoute, "method" | "path" | "schemas">;

type ParamsOf<S, Path extends string> = S extends {
  readonly params: infer P extends StandardSchema;
}
  ? OutputOf<P>
  : PathParams<Path>;
type BodyOf<S> = S extends { readonly body: infer B extends StandardSchema }
  ? OutputOf<B>
  : unknown;
type AnswerOf<S> = S extends { readonly response: infer R extends StandardSchema }
  ? InputOf<R>
  : unknown;

/**
 * A route for `server.interceptHttp(route, handler)`: its types are inferred from the schemas and the path.
 *
 * Throws TypeError for a method or path that cannot be intercepted.
 *
 * @example
 * const getUser = defineRoute("GET", "/users/:id", { params: z.object({ id: z.coerce.number() }) })
 * server.interceptHttp(getUser, (_body, { id }) => ({ id, name: "Mock User" }))
 */
export function defineRoute<const Path extends string, const S extends RouteSchemas = RouteSchemas>(
  method: HttpMethod,
  path: Path,
  schemas?: S,
): HttpRoute<ParamsOf<S, Path>, BodyOf<S>, AnswerOf<S>> {
  const route: AnyRoute = readRoute(method, path, schemas);
  // The types exist only in the declaration.
  return route as HttpRoute<ParamsOf<S, Path>, BodyOf<S>, AnswerOf<S>>;
}

/** Throws TypeError for what can never be asked, or not be read. */
export function readRoute(method: unknown, path: unknown, schemas: RouteSchemas = {}): AnyRoute {
  const methodFault = faultOfMethod(method);
  if (methodFault !== undefined) {
    throw new TypeError(`The method ${String(method)} cannot be intercepted: ${methodFault}.`);
  }
  const pathFault = faultOfPath(path);
  if (pathFault !== undefined) {
    throw new TypeError(`The path ${JSON.stringify(path)} cannot be intercepted: ${pathFault}.`);
  }
  assertSchemas(schemas, path as string);
  return { method: method as string, path: keepSeparators(path as string), schemas };
}

function faultOfMethod(method: unknown): string | undefined {
  if (typeof method !== "string") return "give it as a string";
  if (method === "CONNECT") return "a front answers it by itself";
  if (method === "*" || METHODS.includes(method)) return undefined;
  const upper = method.toUpperCase();
  if (METHODS.includes(upper)) return `write ${upper}, in upper case`;
  return 'it is no HTTP method; use one like GET, or "*" for all';
}

function faultOfPath(path: unknown): string | undefined {
  if (typeof path !== "string") return "give it as a string";
  if (!path.startsWith("/") && path !== "*") return "it has to begin with a slash";
  // A regular expression may hold what means something else outside.
  if (path.includes("(")) return undefined;
  // After the name of a parameter it makes that optional.
  if (/(?<!\/:[^/]*)\?/.test(path)) {
    return "a query is no part of a path; read it from request.query";
  }
  if (/:(?:$|[/.?-])/.test(path.replaceAll("::", ""))) return "a parameter has no name";
  if (/%(?!2f|5c)/i.test(path)) return "write it decoded; only %2F and %5C stay as they are";
  return undefined;
}

function assertSchemas(schemas: RouteSchemas, path: string): void {
  for (const name of ["params", "body", "response"] as const) {
    const schema: { readonly "~standard"?: { readonly validate?: unknown } } | undefined =
      schemas[name];
    if (schema !== undefined && typeof schema["~standard"]?.validate !== "function") {
      throw new TypeError(
        `The route of ${JSON.stringify(path)} has a ${name} that is not a Standard Schema (zod, valibot, …).`,
      );
    }
  }
}
