// Where a server listens: a port on loopback, or a Unix socket. Taken or not taken, never somewhere else instead.

import { chmodSync, lstatSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { CrosswireError } from "../errors.ts";

export const LOOPBACK = "127.0.0.1";

export type Place =
  | { readonly port: number; readonly host: string }
  | { readonly socketPath: string };

/** Resolves to whether the place was free; rejects with XW_LISTEN for every other trouble. */
export async function listen(
  server: Server,
  place: Place,
  onListening: () => void,
): Promise<boolean> {
  if (await tryListen(server, place, onListening)) return true;
  if (!("socketPath" in place)) return false;
  const { socketPath } = place;
  // A process that was killed leaves its socket file behind, and nobody answers there.
  const found = fingerprint(socketPath);
  if (await isAnswered(socketPath)) return false;
  // Another starter may have come first: then the file is no longer the one that nobody answered on.
  if (found === undefined || fingerprint(socketPath) !== found) return false;
  rmSync(socketPath, { force: true });
  return tryListen(server, place, onListening);
}

/** Tells one socket file from its successor at the same path; undefined for what is no socket. */
function fingerprint(path: string): string | undefined {
  if (process.platform === "win32") return undefined;
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isSocket() === true ? `${stats.ino}:${stats.ctimeNs}` : undefined;
}

export function isLocalPlace(place: Place): boolean {
  return "socketPath" in place || isLoopbackHost(place.host);
}

export function isLoopbackHost(host: string): boolean {
  return (
    host === "localhost" || host === "[::1]" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host)
  );
}

/** `onListening` runs before the event loop accepts the first connection. */
function tryListen(server: Server, place: Place, onListening: () => void): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      server.off("listening", onReady);
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(cannotListen(place, error));
    };
    const onReady = (): void => {
      server.off("error", onError);
      try {
        if ("socketPath" in place) restrict(place.socketPath);
        onListening();
        resolve(true);
      } catch (error) {
        server.close();
        reject(cannotListen(place, error as Error));
      }
    };
    server.once("error", onError);
    server.once("listening", onReady);
    // Exclusive: under node:cluster two workers would otherwise both "have" the port.
    if ("socketPath" in place) server.listen({ path: place.socketPath, exclusive: true });
    else server.listen({ ...place, exclusive: true });
  });
}

/** SECURITY: only this user may connect. Windows pipes have no file to restrict. */
function restrict(socketPath: string): void {
  if (process.platform !== "win32") chmodSync(socketPath, 0o600);
}

function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    // Only a refusal proves that nobody is there; without access, somebody else may well be.
    probe.once("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}

function cannotListen(place: Place, cause: Error): CrosswireError {
  const where = "socketPath" in place ? place.socketPath : `${place.host}:${place.port}`;
  const text = `The server cannot listen on ${where}: ${cause.message}. Choose another place, or mend this one.`;
  return new CrosswireError("XW_LISTEN", text, { cause });
}
