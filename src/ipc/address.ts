// Where a server is, in the forms that users, environment variables and runtime files write it.

import { isLoopbackHost, LOOPBACK, type Place } from "../http/listener.ts";
import { IPC_PATH } from "./own-traffic.ts";

export const DEFAULT_PORT = 24617;

export interface Address {
  /** What `ws` is given to dial. */
  readonly url: string;
  /** Dialled instead of the host in the URL. */
  readonly socketPath?: string;
  /** Under which the server's runtime file is found; undefined when it cannot be on this machine. */
  readonly runtimeKey: string | undefined;
  /** No intermediary can stand between: a cheap mask is enough. */
  readonly isLocal: boolean;
  /** In words, for errors. */
  readonly label: string;
}

/** A port of this machine, or a URL: http, https, ws, wss, or ws+unix:/path/to.sock. Throws TypeError. */
export function parseAddress(address: number | string): Address {
  if (typeof address === "number") return parsePort(address);
  // What follows is the path as it is: percent signs, spaces and colons mean themselves.
  const path = /^(?:ws\+)?unix:(?:\/\/)?(.+)$/.exec(address)?.[1];
  if (path !== undefined) return unixAddress(path);
  return parseUrl(address);
}

/** The URL of one connection attempt. */
export function dialUrl({ url }: Address, runtimeId: string | undefined): string {
  return runtimeId === undefined ? url : `${url}?runtimeId=${encodeURIComponent(runtimeId)}`;
}

function portKey(port: number): string {
  return String(port);
}

/** A file name made of a path: readable, and different for different paths. */
function socketKey(path: string): string {
  return `unix-${path.replaceAll(/[^\w.-]+/g, "_").slice(-80)}-${checksum(path)}`;
}

/** Under which the runtime file of this place is kept. */
export function keyOf(place: Place, port: number): string {
  return "socketPath" in place ? socketKey(place.socketPath) : portKey(port);
}

function parsePort(port: number): Address {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new TypeError(
      `${port} is not a port to connect to; ports are whole numbers from 1 to 65535.`,
    );
  }
  return {
    url: `ws://${LOOPBACK}:${port}${IPC_PATH}`,
    runtimeKey: portKey(port),
    isLocal: true,
    label: `the server at ${LOOPBACK}:${port}`,
  };
}

function unixAddress(path: string): Address {
  return {
    url: `ws://localhost${IPC_PATH}`,
    socketPath: path,
    runtimeKey: socketKey(path),
    isLocal: true,
    label: `the server at ${path}`,
  };
}

function parseUrl(text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const scheme = url?.protocol.replace(/^http/, "ws");
  if (url === undefined || (scheme !== "ws:" && scheme !== "wss:")) {
    throw new TypeError(
      `${JSON.stringify(text)} is not an address; use a port, http://127.0.0.1:<port>, or ws+unix:/path/to.sock.`,
    );
  }
  const isLocal = isLoopbackHost(url.hostname);
  const path = url.pathname === "/" ? IPC_PATH : url.pathname;
  return {
    url: `${scheme}//${url.host}${path}`,
    runtimeKey: isLocal ? portKey(Number(url.port || (scheme === "wss:" ? 443 : 80))) : undefined,
    isLocal: isLocal && scheme === "ws:",
    label: `the server at ${url.host}`,
  };
}

/** Not a secret and not a proof, only a way to tell long paths apart. */
function checksum(text: string): string {
  let hash = 0;
  for (const char of text) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return hash.toString(36);
}
