// Where requests are sent: a base URL, read once, with what is needed to connect to it.

import type { ConnectionOptions } from "node:tls";

export interface TargetOptions {
  /** The Host that the target sees: the client's own, or the one of its URL. */
  readonly host?: "client" | "target";
  /** The authorities to trust for this target, in place of those that Node knows. */
  readonly ca?: string | Buffer;
  /** Accept any certificate of this target. */
  readonly insecure?: boolean;
  /** The name asked for in the TLS handshake, and checked in the certificate. */
  readonly servername?: string;
}

/** A parsed target. Equal `key` means that connections can be shared. */
export interface ProxyTarget {
  readonly url: string;
  readonly key: string;
  readonly connect: { readonly path: string } | { readonly host: string; readonly port: number };
  /** Undefined for plain HTTP. */
  readonly tls: ConnectionOptions | undefined;
  /** Put before the path of each request: "" or "/base". */
  readonly basePath: string;
  /** Sent as Host; undefined keeps the client's. */
  readonly host: string | undefined;
}

/**
 * Reads `http://host:port/base`, `https://…`, `ws://…`, `wss://…` or `http+unix:/path/to.sock`.
 *
 * Throws TypeError for anything else.
 */
export function parseTarget(url: string, options: TargetOptions = {}): ProxyTarget {
  if (url.startsWith("http+unix:")) return unixTarget(url, options);
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isSecure = parsed?.protocol === "https:" || parsed?.protocol === "wss:";
  const isPlain = parsed?.protocol === "http:" || parsed?.protocol === "ws:";
  if (parsed === undefined || parsed.hostname === "" || !(isSecure || isPlain)) {
    throw new TypeError(
      `${JSON.stringify(url)} is no target; use http://host:port, https://host:port or http+unix:/path/to.sock.`,
    );
  }
  const { search, hash, username, password } = parsed;
  if (search !== "" || hash !== "" || username !== "" || password !== "") {
    throw new TypeError(
      `The target ${JSON.stringify(url)} has a query, a fragment or a user, which requests would lose; give its origin and base path only.`,
    );
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, "");
  const port = Number(parsed.port || (isSecure ? 443 : 80));
  const tls = isSecure ? tlsOptions(host, options) : undefined;
  return {
    url,
    key: `${isSecure ? "https" : "http"}://${parsed.hostname}:${port}${tlsKey(options)}`,
    connect: { host, port },
    tls,
    basePath: parsed.pathname.replace(/\/$/, ""),
    host: options.host === "target" ? parsed.host : undefined,
  };
}

function unixTarget(url: string, options: TargetOptions): ProxyTarget {
  const path = url.slice("http+unix:".length);
  if (path === "") throw new TypeError(`${JSON.stringify(url)} names no socket.`);
  const host = options.host === "target" ? "localhost" : undefined;
  return { url, key: url, connect: { path }, tls: undefined, basePath: "", host };
}

function tlsOptions(host: string, options: TargetOptions): ConnectionOptions {
  const isName = !/^[\d.]+$|:/.test(host);
  const servername = options.servername ?? (isName ? host : undefined);
  return {
    rejectUnauthorized: options.insecure !== true,
    ALPNProtocols: ["http/1.1"],
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(servername === undefined ? {} : { servername }),
  };
}

/** Connections made with other certificates or names must not be shared. */
function tlsKey({ ca, insecure, servername }: TargetOptions): string {
  if (ca === undefined && insecure === undefined && servername === undefined) return "";
  return `#${JSON.stringify([String(ca ?? ""), insecure ?? false, servername ?? ""])}`;
}
