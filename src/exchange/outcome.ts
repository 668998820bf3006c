// How an HTTP exchange ends: a closed union that is never told by a status code, and the check that it can be sent.

import type { FieldPatch, Fields } from "./request.ts";

export type Body = AsyncIterable<Uint8Array> | Uint8Array;

/** An answer. Its framing is not part of it: a length is kept where the body does not tell it. */
export interface Answer {
  readonly kind: "respond";
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Fields;
  readonly body?: Body | undefined;
  /** A function where they are only known once the body has ended. */
  readonly trailers?: Fields | (() => Fields);
}

/** A failure of the network: the client never gets an answer. */
export interface NetworkFailure {
  readonly kind: "error";
  /** As the system calls it: ECONNRESET, ECONNREFUSED, ENOTFOUND, ETIMEDOUT… */
  readonly code: string;
  readonly message?: string;
}

/** What is different about a request that goes on to the network. */
export interface RequestPatch {
  readonly url?: string;
  readonly method?: string;
  readonly headers?: FieldPatch;
}

export type Outcome =
  | Answer
  | NetworkFailure
  | { readonly kind: "passthrough"; readonly patch?: RequestPatch }
  /** Nobody wants it. Who asks decides what that means; where nothing else does, it goes to the network. */
  | { readonly kind: "unhandled" }
  /** Whoever was to decide failed. */
  | { readonly kind: "exception"; readonly error: unknown };

/** They say how the message is framed on one connection; the connection it is sent on says that anew. */
const FRAMING = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** SECURITY: a line break would end the field and begin another one, or the body. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** The outcome as it can be sent: without a body where there is none. Throws a TypeError for what cannot be sent. */
export function checkOutcome(outcome: Outcome, method: string): Outcome {
  switch (outcome?.kind) {
    case "respond":
      return checkAnswer(outcome, method);
    case "error":
      if (typeof outcome.code === "string" && outcome.code !== "") return outcome;
      throw new TypeError(`An error outcome needs a code such as "ECONNRESET".`);
    case "passthrough":
      checkPatch(outcome.patch);
      return outcome;
    case "unhandled":
    case "exception":
      return outcome;
    default:
      throw new TypeError(
        `A request was decided with ${describe(outcome)}; an outcome has the kind "respond", "error", "passthrough", "unhandled" or "exception".`,
      );
  }
}

/** What the client of a request gets when the decision about it failed. */
export function exceptionAnswer(error: unknown): Answer {
  // Whatever was thrown, by code of whatever realm.
  const { name = "Error", message = String(error) } = Object(error) as Partial<Error>;
  return {
    kind: "respond",
    status: 500,
    headers: [["content-type", "application/json"]],
    body: new TextEncoder().encode(JSON.stringify({ error: message, name })),
  };
}

/** Of a body that nobody gets: whoever produces it is told. */
export function discard(body: Body | undefined): void {
  try {
    const iterator = (Object(body) as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]?.();
    Promise.resolve(iterator?.return?.()).catch(() => {});
  } catch {
    // It cannot be told, whatever a handler gave for a body.
  }
}

/** The answer with the framing that its body needs, and without a body where there is none. */
export function checkAnswer(answer: Answer, method: string): Answer {
  try {
    return checked(answer, method);
  } catch (error) {
    discard(answer.body);
    throw error;
  }
}

function checked(answer: Answer, method: string): Answer {
  const { status, statusText, headers, trailers } = answer;
  const body = ownBytes(answer.body);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new TypeError(`A response cannot have the status ${status}; it is from 200 to 599.`);
  }
  if (statusText !== undefined) checkText("The status text", statusText);
  checkFields(headers);
  if (Array.isArray(trailers)) checkFields(trailers as Fields);
  const hasBody = method !== "HEAD" && status !== 204 && status !== 304;
  const isStream = body !== undefined && !(body instanceof Uint8Array);
  // Of a response without a body a length may be told: what a GET would have had.
  const keepsLength = hasBody ? isStream && trailers === undefined : status !== 204;
  const kept = headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return !FRAMING.has(lower) && (keepsLength || lower !== "content-length");
  });
  if (!hasBody) {
    discard(answer.body);
    return { ...answer, headers: kept, body: undefined, trailers: [] };
  }
  if (isStream || trailers !== undefined) return { ...answer, body, headers: kept };
  return { ...answer, body, headers: [...kept, ["content-length", String(body?.length ?? 0)]] };
}

/** Those of another realm, such as a test runner's, are of another class. */
function ownBytes(body: Body | undefined): Body | undefined {
  if (body === undefined || body instanceof Uint8Array || !ArrayBuffer.isView(body)) return body;
  const { buffer, byteOffset, byteLength } = body as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function checkPatch(patch: RequestPatch | undefined): void {
  if (patch?.url !== undefined && !URL.canParse(patch.url)) {
    throw new TypeError(`A request cannot be sent to ${JSON.stringify(patch.url)}: no URL.`);
  }
  if (patch?.method !== undefined && !TOKEN.test(patch.method)) {
    throw new TypeError(`${JSON.stringify(patch.method)} is not a method of a request.`);
  }
  for (const [name, value] of Object.entries(patch?.headers ?? {})) {
    checkFields([value ?? []].flat().map((one): [string, string] => [name, one]));
  }
}

function checkFields(fields: Fields): void {
  for (const [name, value] of fields) {
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name.`);
    checkText(`The field ${name}`, value);
  }
}

function checkText(what: string, text: string): void {
  if (typeof text === "string" && !UNSENDABLE.test(text)) return;
  throw new TypeError(`${what} cannot be sent: ${JSON.stringify(text)}.`);
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return `the kind ${JSON.stringify((value as { readonly kind?: unknown }).kind)}`;
}
