// One intercepted exchange from its first byte to its last: body, handler, answer.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Limits } from "../../limits.ts";
import type { InterceptHandler } from "./checked-handler.ts";
import { decompress } from "./decompress.ts";
import { CLIENT_GONE } from "./http-refusal.ts";
import { InterceptedRequest } from "./intercepted-request.ts";
import { parseBody } from "./parse-body.ts";
import { readRawBody, streamRawBody } from "./raw-body.ts";
import type { Match } from "./route-table.ts";
import { sendAnswer, sendFailure } from "./send-answer.ts";
import { discard } from "./send-response.ts";

export interface Intercept {
  readonly isStreamed: boolean;
  readonly handle: InterceptHandler;
}

/** Never rejects. Whose client is gone is not answered, and its handler does not run if it has not begun. */
export async function serveIntercept(
  { value: intercept, params }: Match<Intercept>,
  incoming: IncomingMessage,
  response: ServerResponse,
  limits: Limits,
): Promise<void> {
  try {
    const { body, request } = intercept.isStreamed
      ? streamed(incoming, response)
      : await parsed(incoming, response, limits);
    const answer = await intercept.handle(body, params, request.headers, request);
    if (response.destroyed) discard(answer);
    else await sendAnswer(response, answer);
  } catch (error) {
    if (!response.destroyed && error !== CLIENT_GONE) sendFailure(response, error);
  }
}

interface Taken {
  readonly body: unknown;
  readonly request: InterceptedRequest;
}

function streamed(incoming: IncomingMessage, response: ServerResponse): Taken {
  const stream = streamRawBody(incoming, response);
  return { body: stream, request: new InterceptedRequest(incoming, response, { stream }) };
}

async function parsed(
  incoming: IncomingMessage,
  response: ServerResponse,
  { maxBodyBytes, maxDepth }: Limits,
): Promise<Taken> {
  const bytes = await readRawBody(incoming, response, maxBodyBytes);
  const { "content-type": type = "", "content-encoding": coding = "" } = incoming.headers;
  const isCompressed = coding !== "" && bytes.length > 0;
  const plain = isCompressed ? await decompress(bytes, coding, maxBodyBytes) : bytes;
  const body = await parseBody(plain, type, maxDepth);
  if (response.destroyed) throw CLIENT_GONE;
  return { body, request: new InterceptedRequest(incoming, response, { bytes }) };
}
