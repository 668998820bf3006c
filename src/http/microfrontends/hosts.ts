// Reads where an application runs, locally and deployed.

import { CrosswireError } from "../../errors.ts";

export interface LocalServer {
  readonly protocol: "http" | "https";
  /** As it stands in a URL: an IPv6 address has its brackets. */
  readonly host: string;
  /** Undefined where the file names none. */
  readonly port: number | undefined;
}

const SCHEME = /^[a-z][a-z0-9+.-]*:\/\//i;

/** Reads `3000`, `localhost`, `localhost:3000` or `https://my.localhost.me:8080`. Throws XW_CONFIG for anything else. */
export function parseLocalHost(text: string): LocalServer {
  if (/^\d+$/.test(text))
    return { protocol: "http", host: "localhost", port: parsePort(text, text) };
  const url = parseAddress(text, "http");
  if (url.pathname !== "/")
    throw refused(text, "has a path, which requests bring themselves", "leave it away");
  const port = writtenPort(text);
  return { protocol: schemeOf(url), host: url.hostname, port };
}

/**
 * The deployed address `example.com` or `https://example.com/base` as a URL without a slash at its end; https where
 * none is said. Throws XW_CONFIG when it is none.
 */
export function parseFallback(text: string): string {
  const url = parseAddress(text, "https");
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

/** `http://localhost:3000` */
export function originOf({ protocol, host, port }: LocalServer): string {
  return `${protocol}://${host}${port === undefined ? "" : `:${port}`}`;
}

function parseAddress(text: string, scheme: "http" | "https"): URL {
  const full = SCHEME.test(text) ? text : `${scheme}://${text}`;
  const url = /[\s\\]/.test(text) || !URL.canParse(full) ? undefined : new URL(full);
  if (url === undefined || url.hostname === "")
    throw refused(text, "is no address", "write host, host:port or http(s)://host:port");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refused(text, `has the scheme ${url.protocol}`, "write http:// or https://");
  // SECURITY: the file is shared and the address is shown, so a password must not stand here.
  if (url.username !== "" || url.password !== "")
    throw refused(shownWithoutUser(url), "has a user or a password", "leave them away");
  if (/[?#]/.test(text)) throw refused(text, "has a query or a fragment", "leave it away");
  return url;
}

/** The default port of the scheme is a port too when it is written: `http://localhost:80`. */
function writtenPort(text: string): number | undefined {
  const port = /:(\d*)\/?$/.exec(text.replace(SCHEME, ""))?.[1];
  return port === undefined ? undefined : parsePort(port, text);
}

function parsePort(port: string, text: string): number {
  const number = Number(port);
  if (number >= 1 && number <= 65_535) return number;
  throw refused(text, "has no valid port", "write one from 1 to 65535");
}

function schemeOf(url: URL): "http" | "https" {
  return url.protocol === "https:" ? "https" : "http";
}

function shownWithoutUser(url: URL): string {
  return `${url.protocol}//…@${url.host}`;
}

function refused(text: string, reason: string, advice: string): CrosswireError {
  return new CrosswireError("XW_CONFIG", `${JSON.stringify(text)} ${reason}; ${advice}`);
}
