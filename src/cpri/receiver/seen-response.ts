// The Response that a life-cycle event shows: what the client got, made from what is known of it here.

import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import type { Outcome } from "../../exchange/outcome.ts";
import type { Fields } from "../../exchange/request.ts";
import type { Settled } from "../cpri-ipc.ts";

interface Head {
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Fields;
}

const MAX_DECODED_BYTES = 1_048_576;
const CODED = /^content-(encoding|length)$/i;
const DECODERS: Readonly<Record<string, typeof gunzipSync>> = {
  gzip: gunzipSync,
  "x-gzip": gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

const WITHOUT_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** Undefined where the client got none, or nothing is known of it. */
export function responseOf(
  outcome: Outcome,
  { source, response }: Settled,
  bytes: Uint8Array | undefined,
  method: string,
): Response | undefined {
  if (response !== undefined) {
    const { body } = response;
    const raw = body !== undefined && "text" in body ? body.text : bytes;
    return make(...decoded(response, raw), method);
  }
  if (source !== "mock" || outcome.kind !== "respond") return undefined;
  return make(outcome, outcome.body instanceof Uint8Array ? outcome.body : undefined, method);
}

/** Nobody who looks at an answer wants it compressed. One that was cut, or cannot be read, stays as it came. */
function decoded(
  head: Head,
  body: string | Uint8Array | undefined,
): readonly [Head, string | Uint8Array | undefined] {
  const coding = head.headers.find(([name]) => name.toLowerCase() === "content-encoding")?.[1];
  const decode = DECODERS[coding?.toLowerCase() ?? ""];
  if (decode === undefined || body === undefined || typeof body === "string") return [head, body];
  try {
    const headers = head.headers.filter(([name]) => !CODED.test(name));
    return [{ ...head, headers }, decode(body, { maxOutputLength: MAX_DECODED_BYTES })];
  } catch {
    return [head, body];
  }
}

function make(head: Head, body: string | Uint8Array | undefined, method: string): Response {
  const { status, statusText = "", headers } = head;
  // A web Response cannot be one that switches protocols.
  const isShown = status >= 200 && status <= 599;
  const hasBody = !WITHOUT_BODY.has(status) && method !== "HEAD";
  return new Response(hasBody ? (body ?? null) : null, {
    status: isShown ? status : 200,
    statusText,
    headers: headers as [string, string][],
  });
}
