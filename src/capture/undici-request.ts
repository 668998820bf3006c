// Which requests of undici are plain: nothing in them is left for undici to complain of, and nobody watches how it
// sends them. What is not has to be sent by undici itself.

import { channel } from "node:diagnostics_channel";
import type { ClientKind, Fields } from "../exchange/request.ts";
import type { DispatchOptions } from "./caught-dispatch.ts";

/** By these a tracer follows a request. */
const WATCHED = [
  "client:sendHeaders",
  "request:bodySent",
  "request:headers",
  "request:trailers",
].map((name) => channel(`undici:${name}`));
/** They change how a request is sent. */
const UNUSUAL = ["expectContinue", "query", "reset", "throwOnError", "typeOfService", "upgrade"];
const TIMEOUTS = ["headersTimeout", "bodyTimeout"];
/** Undici refuses them, or reads them. */
const MEANINGFUL = new Set(["connection", "expect", "keep-alive", "transfer-encoding", "upgrade"]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const PATH = /^\/[\x21-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Whether somebody follows how requests are sent. */
export function isObserved(): boolean {
  return WATCHED.some(({ hasSubscribers }) => hasSubscribers);
}

export function isPlain(client: ClientKind, options: DispatchOptions, fields: Fields): boolean {
  if (client === "websocket" || isObserved()) return false;
  if (!isBodyAtHand(options.body ?? "", fields)) return false;
  // Fetch has checked the rest of what it sends.
  if (client === "fetch") return true;
  const { method = "GET", path } = options;
  const settings = options as unknown as Readonly<Record<string, unknown>>;
  if (UNUSUAL.some((name) => (settings[name] ?? false) !== false)) return false;
  const areTimeouts = TIMEOUTS.every((name) => Number(settings[name] ?? 0) >= 0);
  return areTimeouts && TOKEN.test(method) && PATH.test(path) && fields.every(isPlainField);
}

/** Of a plain request. */
export function bodyAtHand(body: unknown): AsyncIterator<Uint8Array> {
  if (isIterable(body)) return body[Symbol.asyncIterator]();
  return bytesAtHand((body ?? "") as string | Uint8Array);
}

/** Likewise; 0 for none. */
export function lengthAtHand(body: unknown, fields: Fields): number {
  if (typeof body === "string" || body instanceof Uint8Array) return Buffer.byteLength(body);
  return isIterable(body) ? Number(announcedLength(fields)) : 0;
}

async function* bytesAtHand(body: string | Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (body.length > 0) yield Buffer.from(body as Uint8Array);
}

/** Bytes; or what fetch makes of bytes, which has a length. */
function isBodyAtHand(body: unknown, fields: Fields): boolean {
  const length = announcedLength(fields);
  if (typeof body === "string" || body instanceof Uint8Array) {
    return length === undefined || Number(length) === Buffer.byteLength(body);
  }
  return isIterable(body) && typeof body.pipe !== "function" && Number(length) >= 0;
}

function announcedLength(fields: Fields): string | undefined {
  return fields.find(([name]) => name.toLowerCase() === "content-length")?.[1];
}

function isIterable(
  body: unknown,
): body is AsyncIterable<Uint8Array> & { readonly pipe?: unknown } {
  const { [Symbol.asyncIterator]: iterate } = Object(body) as Partial<AsyncIterable<unknown>>;
  return typeof iterate === "function";
}

function isPlainField([name, value]: Fields[number]): boolean {
  return TOKEN.test(name) && VALUE.test(value) && !MEANINGFUL.has(name.toLowerCase());
}
