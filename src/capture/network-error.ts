// Failures of the network as Node itself reports them: the same code, number, text and fields.

import { getSystemErrorMap } from "node:util";
import type { NetworkFailure } from "../exchange/outcome.ts";

/** Node has its own names for what a resolver says; these are not in the system's table. */
const RESOLVER_NUMBERS: Readonly<Record<string, number>> = { ENOTFOUND: -3008, EAI_AGAIN: -3001 };
/** Codes that stand for a connection that never came about. */
const CONNECT_CODES = new Set(["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]);

/** `read ECONNRESET`, with its number. */
export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return errorOf(`${syscall} ${code}`, code, { syscall });
}

/** What a client would see if connecting to `url`, or talking to it, ended so. */
export function networkError({ code, message }: NetworkFailure, url: string): Error {
  if (message !== undefined) return errorOf(message, code, {});
  const { hostname, port, protocol } = new URL(url);
  if (code in RESOLVER_NUMBERS) {
    return errorOf(`getaddrinfo ${code} ${hostname}`, code, { syscall: "getaddrinfo", hostname });
  }
  if (!CONNECT_CODES.has(code)) return systemError(code, code === "EPIPE" ? "write" : "read");
  const address = /^[\d.]+$|^\[/.test(hostname) ? hostname.replace(/^\[|\]$/g, "") : "127.0.0.1";
  const number = Number(port) || (/^(https|wss):/.test(protocol) ? 443 : 80);
  return errorOf(`connect ${code} ${address}:${number}`, code, {
    syscall: "connect",
    address,
    port: number,
  });
}

function errorOf(message: string, code: string, fields: object): NodeJS.ErrnoException {
  const errno = RESOLVER_NUMBERS[code] ?? numberOf(code);
  return Object.assign(new Error(message), errno === undefined ? {} : { errno }, {
    code,
    ...fields,
  });
}

function numberOf(code: string): number | undefined {
  for (const [number, [name]] of getSystemErrorMap()) if (name === code) return number;
  return undefined;
}
