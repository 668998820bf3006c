// When a lost connection is tried again, and when that would be useless.

import { type ErrorCode, isCrosswireError } from "../errors.ts";
import { assertPositive } from "../limits.ts";

export interface ReconnectOptions {
  /** Before the first attempt. Each further one waits longer, by `factor`, up to `maxDelayMs`. */
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly factor?: number;
  /** Attempts after one loss; then the client stays closed. */
  readonly maxAttempts?: number;
}

export type Backoff = Required<ReconnectOptions>;

const DEFAULTS: Backoff = {
  initialDelayMs: 20,
  maxDelayMs: 5_000,
  factor: 2,
  maxAttempts: Infinity,
};

/** Trying again changes nothing about these. */
const FINAL: readonly ErrorCode[] = [
  "XW_SUPERSEDED",
  "XW_VERSION",
  "XW_REFUSED",
  "XW_FOREIGN",
  "XW_CLOSED",
];

/** Throws TypeError for numbers that make no sense. */
export function createBackoff(options: ReconnectOptions): Backoff {
  const backoff = { ...DEFAULTS, ...options };
  for (const [name, value] of Object.entries(backoff)) {
    assertPositive(`reconnect.${name}`, value);
  }
  return backoff;
}

/** Half of it at random: many clients of one server must not come back at the same moment. */
export function delayBefore(
  attempt: number,
  { initialDelayMs, maxDelayMs, factor }: Backoff,
): number {
  const full = Math.min(initialDelayMs * factor ** (attempt - 1), maxDelayMs);
  return full / 2 + (Math.random() * full) / 2;
}

export function isFinal(error: unknown): boolean {
  return isCrosswireError(error) && FINAL.includes(error.code);
}

/** Whether a failed call may be sent again: it never left, or running it twice does no harm. */
export function maySendAgain(error: unknown, isIdempotent: boolean): boolean {
  if (!isCrosswireError(error)) return false;
  const { code, maybeDelivered } = error;
  if (code !== "XW_CONNECTION_LOST" && code !== "XW_CLOSED" && code !== "XW_NOT_CONNECTED")
    return false;
  return maybeDelivered === false || isIdempotent;
}
