// The one error class of Crosswire and the closed table of its codes.
// Knows nothing of frames or sockets; how an error crosses the wire is told in wire/remote-error.ts.

/** Every code with the one sentence that stays true wherever it is thrown. Each is a heading of docs/reference/errors.md. */
export const ERROR_TEXT = {
  XW_CANCELLED: "The caller gave up, so the work on this side was cancelled.",
  XW_CLOSED: "This side closed the connection.",
  XW_CONFIG: "A configuration file cannot be honoured as it is written.",
  XW_CONNECTION_LOST: "The connection broke before the answer came.",
  XW_ENCODE: "A value cannot be written to the wire.",
  XW_FOREIGN: "Something that is not Crosswire answered on this address.",
  XW_FRAME: "A frame could not be read.",
  XW_INVALID: "A value does not match the schema of its definition.",
  XW_LIMIT: "A configured limit was exceeded.",
  XW_LISTEN: "The server could not listen on its address.",
  XW_LOOP: "A request came back to the proxy that had sent it.",
  XW_NOT_CONNECTED: "There is no connection to send on.",
  XW_NO_HANDLER: "The other side has no handler for this path.",
  XW_NO_PEER: "No client with this runtimeId is connected.",
  XW_OTHER_NAME: "This port belongs to processes that go by another name.",
  XW_OVERLOADED: "Too much is waiting already; try again later.",
  XW_REFUSED: "The server refused the connection.",
  XW_REMOTE: "The handler on the other side failed.",
  XW_STALE_EPOCH: "This was decided under a leader that has been replaced since.",
  XW_SUPERSEDED: "A newer connection took over this runtimeId.",
  XW_TIMEOUT: "The other side did not answer in time.",
  XW_UNREACHABLE: "Nothing answers on this address.",
  XW_UNRESPONSIVE: "The process that leads holds its port but does not answer.",
  XW_UNSUPPORTED: "The other side does not know this extension of the protocol.",
  XW_UPSTREAM: "The server behind the proxy broke off, or answered what must not be passed on.",
  XW_VERSION: "The other side speaks another version of the protocol.",
  XW_WORKER: "A worker did not become ready, or ended by itself.",
} as const;

export type ErrorCode = keyof typeof ERROR_TEXT;

export interface CrosswireErrorOptions {
  readonly path?: string | undefined;
  readonly peer?: string | undefined;
  readonly detail?: unknown;
  readonly maybeDelivered?: boolean | undefined;
  readonly cause?: unknown;
}

const BRAND: unique symbol = Symbol.for("crosswire.error") as never;

/**
 * Every failure of Crosswire, told apart by `code`.
 *
 * The message says what was asked, what was seen and what to do.
 *
 * @example
 * try { await client.sendFrameworkRequest(charge, order) }
 * catch (error) { if (isCrosswireError(error, "XW_TIMEOUT")) await retryLater(order) }
 */
export class CrosswireError extends Error {
  // `declare`: a field that was not given is not there, and so is not printed as undefined.
  readonly code: ErrorCode;
  /** The path of the request, message or stream this is about. */
  declare readonly path?: string;
  /** Who the other side was, in words: `worker "w3"`. */
  declare readonly peer?: string;
  /** What there is beyond the message; its shape depends on the code (docs/reference/errors.md). */
  declare readonly detail?: unknown;
  /** With XW_CONNECTION_LOST and XW_CLOSED: true when the other side may have run the call. */
  declare readonly maybeDelivered?: boolean;

  constructor(code: ErrorCode, message?: string, options: CrosswireErrorOptions = {}) {
    super(message ?? ERROR_TEXT[code], "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    if (options.path !== undefined) this.path = options.path;
    if (options.peer !== undefined) this.peer = options.peer;
    if (options.detail !== undefined) this.detail = options.detail;
    if (options.maybeDelivered !== undefined) this.maybeDelivered = options.maybeDelivered;
  }

  static {
    // On the prototype, so that a printed error shows its name but not twice.
    Object.defineProperty(this.prototype, "name", { value: "CrosswireError", configurable: true });
    Object.defineProperty(this.prototype, BRAND, { value: true });
  }

  // Two copies of the package in one process are normal in test runners; both must recognise both.
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isCrosswireError(value);
  }
}

/** Whether `error` is a CrosswireError, of this `code` if one is given. Safe across realms and package copies. */
export function isCrosswireError(error: unknown, code?: ErrorCode): error is CrosswireError {
  if (typeof error !== "object" || error === null || !(BRAND in error)) return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}
