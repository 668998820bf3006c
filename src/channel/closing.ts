// How conversations end, in words: one place for what users read when a connection is gone.

import { CrosswireError, type ErrorCode } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { CLOSE_CODE, type CloseReason } from "./transport.ts";

/** What ends a channel: the error for everybody who waits, and the code the other side is given. */
export interface Ending {
  readonly error: CrosswireError;
  readonly closeCode: number;
}

export function closedHere(peer: string, reason: string): CrosswireError {
  return new CrosswireError(
    "XW_CLOSED",
    `This side closed the connection to ${peer} (${reason}).`,
    { peer },
  );
}

export function leaving(peer: string, detail: string): CrosswireError {
  return new CrosswireError("XW_CLOSED", `${peer} is closing and takes no new calls (${detail}).`, {
    peer,
    maybeDelivered: false,
  });
}

export function saidNoHello(peer: string, limits: Limits): Ending {
  const text = `${peer} connected but said no hello in ${limits.helloTimeoutMs} ms; it is stopped, or not Crosswire.`;
  return { error: new CrosswireError("XW_TIMEOUT", text, { peer }), closeCode: CLOSE_CODE.silent };
}

export function malformedFrame(peer: string, what: string): Ending {
  const text = `${peer} sent a frame that cannot be read: ${what}.`;
  return { error: new CrosswireError("XW_FRAME", text, { peer }), closeCode: CLOSE_CODE.protocol };
}

export function silent(peer: string, silentMs: number): Ending {
  const text = `${peer} gave no sign of life for ${silentMs} ms, though it was asked; it is stopped, blocked or unreachable.`;
  return {
    error: new CrosswireError("XW_CONNECTION_LOST", text, {
      peer,
      detail: { closeCode: CLOSE_CODE.silent, reason: "silent" },
    }),
    closeCode: CLOSE_CODE.silent,
  };
}

export function unread(peer: string, bufferedBytes: number, limits: Limits): Ending {
  const text = `${peer} does not read: ${bufferedBytes} bytes are unsent, limits.hardQueueBytes is ${limits.hardQueueBytes}.`;
  return {
    error: new CrosswireError("XW_OVERLOADED", text, { peer }),
    closeCode: CLOSE_CODE.overloaded,
  };
}

/** The transport is gone without this side having wanted it. */
export function lost(peer: string, reason: CloseReason): CrosswireError {
  const code: ErrorCode =
    reason.code === CLOSE_CODE.superseded ? "XW_SUPERSEDED" : "XW_CONNECTION_LOST";
  return new CrosswireError(code, `The connection to ${peer} ended: ${describeClose(reason)}`, {
    peer,
    detail: { closeCode: reason.code, reason: reason.reason },
    ...(reason.error === undefined ? {} : { cause: reason.error }),
  });
}

export function describeClose({ code, reason, error }: CloseReason): string {
  if (error !== undefined) return `it broke with ${JSON.stringify(error.message)}.`;
  if (code === CLOSE_CODE.abnormal) return "it was cut off; the other process may have ended.";
  if (code === CLOSE_CODE.superseded) return "a newer connection took over its runtimeId.";
  return `it was closed with code ${code}${reason === "" ? "" : ` (${reason})`}.`;
}
