// A handler behind the schemas of its route: what does not match them does not reach it, and does not leave it.

import { isCrosswireError } from "../../errors.ts";
import { type StandardSchema, validate } from "../../wire/schema.ts";
import { HttpRefusal, type Issue } from "./http-refusal.ts";
import type { HeaderValues, InterceptedRequest } from "./intercepted-request.ts";
import type { AnyRoute } from "./route.ts";
import { isResponse } from "./send-response.ts";

/** Answers a request: with a `Response`, an object with a `statusCode`, or anything that JSON can carry. */
export type InterceptHandler<Body = unknown, Params = unknown, Answer = unknown> = (
  body: Body,
  pathParams: Params,
  headers: HeaderValues,
  request: InterceptedRequest,
) => Answer | Promise<Answer>;

/** The handler itself, when the route has no schemas. */
export function checked(
  { method, path, schemas }: AnyRoute,
  handler: InterceptHandler,
): InterceptHandler {
  const { params, body, response } = schemas;
  if (params === undefined && body === undefined && response === undefined) return handler;
  const where = `${method} ${JSON.stringify(path)}`;
  return async (givenBody, givenParams, headers, request) => {
    const goodParams = await check(params, givenParams, 400, `The path parameters of ${where}`);
    const goodBody = await check(body, givenBody, 400, `The body of ${where}`);
    const answer = await handler(goodBody, goodParams, headers, request);
    return isResponse(answer) ? answer : check(response, answer, 500, `The answer of ${where}`);
  };
}

async function check(
  schema: StandardSchema | undefined,
  value: unknown,
  status: number,
  what: string,
): Promise<unknown> {
  if (schema === undefined) return value;
  try {
    return await validate(schema, value, what);
  } catch (error) {
    if (!isCrosswireError(error, "XW_INVALID")) throw error;
    const { issues } = error.detail as { readonly issues: readonly Issue[] };
    throw new HttpRefusal(status, "XW_INVALID", error.message, issues);
  }
}
