// What a sender says of a request: its head, the body if it rides along, and how it ended.

import type { CapturedRequest } from "../../capture/decision.ts";
import type { NetworkEnd } from "../../capture/witness.ts";
import type { Outcome } from "../../exchange/outcome.ts";
import type { RequestHead } from "../../exchange/request.ts";
import type { MaybeWithBytes, Settled, WireRequest } from "../cpri-ipc.ts";
import { SharedBody } from "../shared-body.ts";
import { enclose, type Ridden, rideBytes } from "../wire-body.ts";

/** More is not read before somebody wants it. */
const RIDING_BYTES: number = 16 * 1024;

/** Without its body. */
export function headOf(
  { id, method, url, headers, client }: CapturedRequest,
  contextId: string | undefined,
): RequestHead {
  const head = { id, method, url, headers, client };
  return contextId === undefined ? head : { ...head, contextId };
}

/** Each who is asked reads the body from its beginning. It has a getter, so it is not spread. */
export function readableByAll(request: CapturedRequest): CapturedRequest {
  if (!mayHaveBody(request)) return request;
  let shared: SharedBody | undefined;
  const body = (): AsyncIterable<Uint8Array> =>
    (shared ??= new SharedBody(() => request.body())).read();
  return Object.create(request, { body: { value: body } }) as CapturedRequest;
}

export function wireOf(
  request: CapturedRequest,
  contextId: string | undefined,
  { body, bytes }: Ridden,
  isLast?: true,
): MaybeWithBytes<WireRequest> {
  const head = headOf(request, contextId);
  const wire = body === undefined ? head : { ...head, body };
  return enclose(isLast === undefined ? wire : { ...wire, isLast }, bytes);
}

/** A short body rides along where the request loses nothing by it; every other one is asked for, if at all. */
export async function ridingBody(request: CapturedRequest): Promise<Ridden> {
  if (!mayHaveBody(request)) return {};
  const { bodyLength } = request;
  if (bodyLength === 0) return {};
  if (bodyLength === undefined || bodyLength > RIDING_BYTES) return { body: { stream: true } };
  const pieces: Uint8Array[] = [];
  for await (const piece of request.body()) pieces.push(piece);
  return rideBytes(Buffer.concat(pieces));
}

function mayHaveBody({ method }: CapturedRequest): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** An answer as it is shown to those who did not give it. */
export function endOf(outcome: Outcome): NetworkEnd | undefined {
  if (outcome.kind !== "respond") return undefined;
  const { status, statusText = "", headers, body } = outcome;
  const shown = body instanceof Uint8Array ? body : new Uint8Array();
  return { response: { status, statusText, headers, body: shown } };
}

/** With what the client got, if that is not known yet. */
export function settledOf(settled: Settled, end: NetworkEnd | undefined): MaybeWithBytes<Settled> {
  if (end === undefined) return settled;
  if (end.response === undefined) {
    const { code, message }: NodeJS.ErrnoException = end.error ?? new Error("It was cut off.");
    return { ...settled, error: code === undefined ? { message } : { code, message } };
  }
  const { body: seen, ...head } = end.response;
  const { body, bytes } = rideBytes(seen);
  return enclose({ ...settled, response: body === undefined ? head : { ...head, body } }, bytes);
}

export function describe(
  method: string,
  url: string,
  contextId: string | undefined,
): { method: string; url: string; contextId?: string } {
  return contextId === undefined ? { method, url } : { method, url, contextId };
}
