// What a server is told when it is created, and what is refused at once.

import { randomBytes } from "node:crypto";
import { assertToken } from "../http/gate.ts";
import { isLocalPlace, LOOPBACK, type Place } from "../http/listener.ts";
import type { SharedOptions } from "./socket.ts";

export interface IPCServerOptions extends SharedOptions {
  /** Where to listen; 127.0.0.1. Anything wider needs a token of your own. */
  readonly host?: string;
  /** Listen on this Unix socket (on Windows: named pipe) instead of a port. */
  readonly socketPath?: string;
  /** Instead of a random one per start. */
  readonly token?: string;
  /** Host names, beside the loopback ones, under which this server may be reached. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may connect, if they have the token. */
  readonly allowedOrigins?: readonly string[];
}

/** Throws TypeError for a port that is none. */
export function placeOf(port: number, options: IPCServerOptions): Place {
  if (options.socketPath !== undefined) return { socketPath: options.socketPath };
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(
      `${String(port)} is not a port; use a whole number from 1 to 65535, or 0 for any free one.`,
    );
  }
  return { port, host: options.host ?? LOOPBACK };
}

/** SECURITY: beyond loopback the runtime file does not reach, so a random token would only be a riddle. */
export function tokenOf({ token }: IPCServerOptions, place: Place): string {
  if (token === undefined && !isLocalPlace(place)) {
    throw new TypeError(
      "A host beyond loopback needs a token of your own: new IPCServer(port, { host, token }).",
    );
  }
  if (token !== undefined) assertToken(token);
  return token ?? randomBytes(32).toString("base64url");
}
