// What can go wrong between a client and a target, each said with the target, what was seen, and what to do.

import { CrosswireError, type ErrorCode } from "../../errors.ts";
import type { ProxyTarget } from "./target.ts";

interface SystemError extends Error {
  readonly code?: string;
}

/** How Node calls trouble with certificates. */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/;

export function unreachable({ url }: ProxyTarget, cause: SystemError): CrosswireError {
  const seen = cause.code ?? cause.message;
  if (CERTIFICATE.test(seen)) {
    const remedy = "name its authority by the option ca, or accept any by insecure";
    return failure(
      "XW_UPSTREAM",
      `The certificate of ${url} is not trusted (${seen}); ${remedy}.`,
      cause,
    );
  }
  return failure(
    "XW_UNREACHABLE",
    `Cannot connect to ${url}: ${seen}. Start the server, or correct the target.`,
    cause,
  );
}

export function brokeOff({ url }: ProxyTarget, when: string, cause?: SystemError): CrosswireError {
  const seen = cause?.code === undefined ? "" : ` (${cause.code})`;
  return failure(
    "XW_UPSTREAM",
    `${url} closed the connection ${when}${seen}. Look at that server's own log.`,
    cause,
  );
}

export function misspoke({ url }: ProxyTarget, what: string): CrosswireError {
  return failure(
    "XW_UPSTREAM",
    `${url} sent ${what}, which is not passed on. That server, or what it stands on, has to be mended.`,
  );
}

export function tooSlow(
  { url }: ProxyTarget,
  what: string,
  limit: string,
  ms: number,
): CrosswireError {
  return failure("XW_TIMEOUT", `${url} ${what} within ${ms} ms (limits.${limit}).`);
}

export function overloaded({ url }: ProxyTarget, what: string): CrosswireError {
  return failure("XW_OVERLOADED", `${what} for ${url}; try again later, or raise the limit.`);
}

export function bodyTooLarge(maxBytes: number): CrosswireError {
  return failure(
    "XW_LIMIT",
    `The request body is larger than ${maxBytes} bytes (limits.maxProxiedBodyBytes).`,
  );
}

export function unsound(what: string): CrosswireError {
  return failure("XW_REFUSED", `The request has ${what}, which is not passed on.`);
}

export function badEdit(cause: unknown): CrosswireError {
  const seen = cause instanceof Error ? cause.message : String(cause);
  return new CrosswireError("XW_ENCODE", `editResponse failed or gave no header fields: ${seen}`, {
    cause,
  });
}

export function looped({ url }: ProxyTarget): CrosswireError {
  return failure(
    "XW_LOOP",
    `The request came back to the proxy that had sent it. Make ${url}, or what it forwards to, another server than the proxy.`,
  );
}

export function clientGone(): CrosswireError {
  return failure("XW_CANCELLED", "The client left before it had its answer.");
}

export function engineClosed(): CrosswireError {
  return failure("XW_CLOSED", "The proxy is closing.");
}

function failure(code: ErrorCode, message: string, cause?: Error): CrosswireError {
  return new CrosswireError(code, message, cause === undefined ? {} : { cause });
}
