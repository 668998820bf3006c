// What a handler returned or threw, as an HTTP answer.

import { type ServerResponse, STATUS_CODES } from "node:http";
import { CrosswireError } from "../../errors.ts";
import { hasBody } from "./raw-body.ts";
import { HttpRefusal, type Issue } from "./http-refusal.ts";
import { cutOff, isResponse, sendResponse } from "./send-response.ts";

const JSON_TYPE = "application/json; charset=utf-8";

/** Rejects only before anything was sent: then the value is at fault. */
export async function sendAnswer(response: ServerResponse, value: unknown): Promise<void> {
  if (isResponse(value)) return sendResponse(response, value);
  if (value === undefined) return end(response, 200, undefined, "");
  if (value instanceof Uint8Array) return end(response, 200, "application/octet-stream", value);
  if (value instanceof ArrayBuffer) {
    return end(response, 200, "application/octet-stream", new Uint8Array(value));
  }
  const status = statusOf(value);
  const text = encode(value);
  if (status === 204 || status === 205 || status === 304)
    return end(response, status, undefined, "");
  end(response, status, JSON_TYPE, text);
}

/** Answers with what went wrong. Never throws, whatever was thrown at it. */
export function sendFailure(response: ServerResponse, thrown: unknown): void {
  // An answer that has begun cannot become another one.
  if (response.headersSent) return cutOff(response);
  const { status, ...body } = describeFailure(thrown);
  // What is left of the body would be read as the next request otherwise.
  const isUnread = !response.req.complete && hasBody(response.req);
  if (status < 500 && isUnread) response.setHeader("Connection", "close");
  end(response, status, JSON_TYPE, JSON.stringify(body));
}

interface Failure {
  readonly status: number;
  readonly error: string;
  readonly code?: string;
  readonly issues?: readonly Issue[];
}

function describeFailure(thrown: unknown): Failure {
  try {
    if (thrown instanceof HttpRefusal) {
      const { status, message, code, issues } = thrown;
      return { status, error: message, code, ...(issues === undefined ? {} : { issues }) };
    }
    const code = thrown instanceof CrosswireError ? { code: thrown.code } : {};
    return { status: 500, error: messageOf(thrown), ...code };
  } catch {
    // Getters and proxies may throw themselves.
    return { status: 500, error: "The handler threw what cannot be read." };
  }
}

function end(
  response: ServerResponse,
  status: number,
  contentType: string | undefined,
  body: string | Uint8Array,
): void {
  const hasLength = status !== 204 && status !== 304;
  // An answer that could not be written before may have left its own reason here.
  response.writeHead(status, STATUS_CODES[status] ?? "", {
    ...(contentType === undefined ? {} : { "Content-Type": contentType }),
    ...(hasLength ? { "Content-Length": Buffer.byteLength(body) } : {}),
  });
  response.end(body);
}

function statusOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 200;
  const { statusCode } = value as { readonly statusCode?: unknown };
  const isStatus = Number.isInteger(statusCode) && Number(statusCode) >= 200;
  return isStatus && Number(statusCode) <= 599 ? Number(statusCode) : 200;
}

function encode(value: unknown): string {
  const text = isStream(value) ? undefined : stringify(value);
  if (text !== undefined) return text;
  const what = isStream(value) ? "a stream; return new Response(stream)" : `a ${typeof value}`;
  throw new CrosswireError("XW_ENCODE", `The handler returned what JSON cannot carry: ${what}.`);
}

/** JSON would make `{}` of it, and nobody would know why. */
function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value || value instanceof ReadableStream || value instanceof Blob;
}

function stringify(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    const text = `The handler returned what JSON cannot carry: ${messageOf(error)}`;
    throw new CrosswireError("XW_ENCODE", text, { cause: error });
  }
}

function messageOf(thrown: unknown): string {
  const { message } = (thrown ?? {}) as { readonly message?: unknown };
  if (typeof message === "string") return message;
  return typeof thrown === "string" ? thrown : `The handler threw ${String(thrown)}.`;
}
