// How an error crosses the wire: `err: {name, code, message, data, cause}` beside the seed's `error: message`.
// SECURITY: stacks stay here unless `exposeStacks`; what arrives is untrusted and only ever copied into fields.

import { CrosswireError, ERROR_TEXT, type ErrorCode } from "../errors.ts";
import { stringifyJson } from "./json.ts";

/** Refused before the handler was asked: the call is safe to send again. */
const NEVER_RAN: ReadonlySet<ErrorCode> = new Set(["XW_CLOSED", "XW_NO_HANDLER", "XW_OVERLOADED"]);
const MAX_CAUSES = 5;
const MAX_MESSAGE_LENGTH = 8_192;

/** What a thrown value becomes on the wire. `xw` marks failures of the channel itself, not of a handler. */
export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly data?: unknown;
  readonly cause?: RemoteError;
  readonly stack?: string;
  readonly xw?: ErrorCode;
}

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

/** In `detail` of XW_REMOTE: who the error was on the other side. */
export interface RemoteDetail {
  readonly name: string;
  readonly code?: string | number;
  readonly data?: unknown;
  readonly stack?: string;
}

/** The failure half of a response, as JSON text. Never throws, whatever was thrown at it. */
export function encodeFailure(thrown: unknown, exposeStacks: boolean, xw?: ErrorCode): string {
  const err = toRemoteError(thrown, exposeStacks, MAX_CAUSES);
  if (xw !== undefined) err.xw = xw;
  return JSON.stringify({ success: false, error: err.message, err });
}

function toRemoteError(thrown: unknown, exposeStacks: boolean, causes: number): Draft<RemoteError> {
  try {
    return thrown instanceof Error ? fromError(thrown, exposeStacks, causes) : fromNonError(thrown);
  } catch {
    // Getters of a thrown object may throw themselves; that something failed must get across all the same.
    return { name: "Error", message: "what was thrown cannot be read" };
  }
}

function fromError(error: Error, exposeStacks: boolean, causes: number): Draft<RemoteError> {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const data = dataOf(error);
  // HOT: field by field, spreads cost twice as much. A flood of refusals is answered to the last one.
  const remote: Draft<RemoteError> = { name: bounded(error.name), message: bounded(error.message) };
  if (typeof code === "string" || typeof code === "number") remote.code = code;
  if (data !== undefined) remote.data = data;
  if (cause !== undefined && causes > 0)
    remote.cause = toRemoteError(cause, exposeStacks, causes - 1);
  if (exposeStacks && typeof error.stack === "string") remote.stack = error.stack;
  return remote;
}

/** `throw undefined` is a failure too. */
function fromNonError(thrown: unknown): Draft<RemoteError> {
  const data = encodable(thrown);
  return {
    name: "NonError",
    message: bounded(describe(thrown)),
    ...(data === undefined ? {} : { data }),
  };
}

function describe(thrown: unknown): string {
  try {
    return typeof thrown === "object" && thrown !== null ? JSON.stringify(thrown) : String(thrown);
  } catch {
    return "a value that cannot be printed";
  }
}

/** A CrosswireError keeps its particulars in `detail`, others by custom in `data`. */
function dataOf(error: Error): unknown {
  const { data, detail } = error as { data?: unknown; detail?: unknown };
  return encodable(data ?? (error instanceof CrosswireError ? detail : undefined));
}

/** An error must always get across, so data that JSON cannot carry is left behind. */
function encodable(data: unknown): unknown {
  try {
    return data === undefined ? undefined : JSON.parse(stringifyJson(data));
  } catch {
    return undefined;
  }
}

function bounded(text: unknown): string {
  const string = String(text);
  return string.length > MAX_MESSAGE_LENGTH ? `${string.slice(0, MAX_MESSAGE_LENGTH)}…` : string;
}

export interface Asked {
  /** `Request "user/create" to worker "w3"`. */
  readonly what: string;
  readonly path: string;
  readonly peer: string;
}

/** The error that the caller gets for the failure half of a response. */
export function reviveFailure(error: unknown, err: unknown, asked: Asked): CrosswireError {
  const remote = readRemoteError(err, MAX_CAUSES) ?? {
    name: "Error",
    message: typeof error === "string" ? error : "no reason was given",
  };
  const { path, peer } = asked;
  if (remote.xw !== undefined && remote.xw in ERROR_TEXT) {
    const options = { path, peer, detail: remote.data };
    return new CrosswireError(
      remote.xw,
      `${asked.what} was refused: ${remote.message}`,
      NEVER_RAN.has(remote.xw) ? { ...options, maybeDelivered: false } : options,
    );
  }
  return new CrosswireError("XW_REMOTE", `${asked.what} failed there: ${remote.message}`, {
    path,
    peer,
    detail: detailOf(remote),
    ...(remote.cause === undefined ? {} : { cause: toError(remote.cause) }),
  });
}

function detailOf({ name, code, data, stack }: RemoteError): RemoteDetail {
  return {
    name,
    ...(code === undefined ? {} : { code }),
    ...(data === undefined ? {} : { data }),
    ...(stack === undefined ? {} : { stack }),
  };
}

/** Foreign data, so every field is checked before it is believed. */
function readRemoteError(value: unknown, causes: number): RemoteError | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, message, code, data, cause, stack, xw } = value as Record<string, unknown>;
  const inner = causes > 0 ? readRemoteError(cause, causes - 1) : undefined;
  return {
    name: typeof name === "string" ? bounded(name) : "Error",
    message: typeof message === "string" ? bounded(message) : "no reason was given",
    ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
    ...(data === undefined ? {} : { data }),
    ...(inner === undefined ? {} : { cause: inner }),
    ...(typeof stack === "string" ? { stack } : {}),
    ...(typeof xw === "string" && Object.hasOwn(ERROR_TEXT, xw) ? { xw: xw as ErrorCode } : {}),
  };
}

function toError({ name, message, code, data, cause }: RemoteError): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: toError(cause) });
  return Object.assign(
    error,
    { name },
    code === undefined ? {} : { code },
    data === undefined ? {} : { data },
  );
}
