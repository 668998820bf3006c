// From what a handler returned to the outcome that is sent: a web Response of whatever realm, or an outcome as it is.

import { isDecodedByFetch } from "../../http/intercept/header-fields.ts";
import { isResponse } from "../../http/intercept/send-response.ts";
import type { Answer, Body, Outcome } from "../../exchange/outcome.ts";
import type { Fields } from "../../exchange/request.ts";
import type { Resolved } from "./handler-list.ts";
import { rawBodyOf } from "./http-response.ts";

const OUTCOME_KINDS: ReadonlySet<unknown> = new Set<Outcome["kind"]>([
  "respond",
  "error",
  "passthrough",
  "unhandled",
  "exception",
]);

/** What becomes of a request for which a handler was found. */
export function outcomeOf(resolved: Resolved): Outcome {
  if ("error" in resolved) return { kind: "exception", error: resolved.error };
  return answerOf(resolved.result, resolved.handler.label);
}

/** Never throws: what cannot be sent becomes an exception that names the handler. */
export function answerOf(result: unknown, label: string): Outcome {
  try {
    return isOutcome(result) ? result : answered(result, label);
  } catch (error) {
    return { kind: "exception", error };
  }
}

function isOutcome(value: unknown): value is Outcome {
  // A Response has no kind.
  return OUTCOME_KINDS.has((value as Partial<Outcome> | null | undefined)?.kind);
}

function answered(result: unknown, label: string): Outcome {
  if (!isResponse(result)) {
    throw new TypeError(
      `The handler ${label} returned ${described(result)}. Return a Response such as HttpResponse.json(…), passthrough(), networkError("ECONNREFUSED"), or nothing, so that the next handler is asked.`,
    );
  }
  if (result.type === "error") {
    return {
      kind: "error",
      code: "ECONNRESET",
      message: `The handler ${label} returned Response.error().`,
    };
  }
  const raw = rawBodyOf(result);
  if (raw !== undefined) return answer(result, typeof raw === "string" ? Buffer.from(raw) : raw);
  assertUnread(result, label);
  return answer(result, streamed(result));
}

function answer(response: Response, body: Body | undefined): Answer {
  const { status, statusText } = response;
  const texts = statusText === "" ? {} : { statusText };
  return { kind: "respond", status, ...texts, headers: fieldsOf(response), body };
}

function assertUnread(response: Response, label: string): void {
  if (!response.bodyUsed && response.body?.locked !== true) return;
  throw new TypeError(
    `The handler ${label} returned a Response whose body has been read already. Read response.clone(), or make a new Response for each request.`,
  );
}

/** Of a Response that came from fetch the body is decompressed, while its headers are still those of the wire. */
function fieldsOf(response: Response): Fields {
  const { headers, url } = response;
  const coding = url === "" ? null : headers.get("content-encoding");
  const isDecoded = coding !== null && response.body !== null && isDecodedByFetch(coding);
  const fields: [string, string][] = [];
  let hasCookies = false;
  for (const [name, value] of headers) {
    if (name === "set-cookie") hasCookies = true;
    const isStale = isDecoded && (name === "content-encoding" || name === "content-length");
    if (!isStale) fields.push([name, value]);
  }
  return hasCookies ? separateCookies(fields, headers) : fields;
}

/** Some copies of Headers join what must not be joined, when they are iterated. */
function separateCookies(fields: Fields, headers: Headers): Fields {
  const cookies = headers.getSetCookie?.();
  if (cookies === undefined) return fields;
  const others = fields.filter(([name]) => name !== "set-cookie");
  return [...others, ...cookies.map((cookie): [string, string] => ["set-cookie", cookie])];
}

function streamed({ body }: Response): AsyncIterable<Uint8Array> | undefined {
  if (body === null) return undefined;
  return { [Symbol.asyncIterator]: () => new BodyIterator(body) };
}

/** Not a generator: to return from one takes effect only after the chunk that it waits for. */
class BodyIterator implements AsyncIterator<Uint8Array> {
  readonly #reader: ReadableStreamDefaultReader<unknown>;

  constructor(stream: NonNullable<Response["body"]>) {
    this.#reader = stream.getReader() as ReadableStreamDefaultReader<unknown>;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    const { done, value } = await this.#reader.read();
    return done ? { done, value: undefined } : { done, value: bytesOf(value) };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    // It failed already, or does not want to be cancelled: there is nobody to tell.
    await this.#reader.cancel().catch(() => {});
    return { done: true, value: undefined };
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk);
  throw new TypeError("The body of a Response consists of bytes.");
}

function described(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (Symbol.iterator in value || Symbol.asyncIterator in value) return "an iterable";
  const { name = "" } = (value.constructor ?? {}) as { readonly name?: string };
  return name === "" || name === "Object" ? "an object that is no Response" : `a ${name}`;
}
