// Why a request is answered with an error status although no handler wanted that.

import type { ErrorCode } from "../../errors.ts";

export interface Issue {
  readonly message: string;
  /** `user.tags.3`, or "" for the value as a whole. */
  readonly path: string;
}

export class HttpRefusal extends Error {
  readonly status: number;
  readonly code: ErrorCode;
  readonly issues: readonly Issue[] | undefined;

  constructor(status: number, code: ErrorCode, message: string, issues?: readonly Issue[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.issues = issues;
  }
}

/** Thrown as it is, so that it can be told from whatever a handler throws: the client is not there any more. */
export const CLIENT_GONE: Error = new Error("The client went away before its request was there.");
