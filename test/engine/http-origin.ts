// Origins made of Node's own servers: plain, TLS, on a Unix socket, on IPv6. Raw ones are in fixtures/strict-origin.ts.

import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { portOf } from "../fixtures/strict-origin.ts";
import { until } from "../fixtures/wait.ts";

export interface HttpOrigin {
  readonly server: Server;
  readonly port: number;
  readonly url: string;
  /** Connections there ever were. */
  readonly connections: number;
  /** Connections there are. */
  readonly open: number;
  close(): Promise<void>;
}

export interface HttpOriginOptions {
  /** The name of a certificate in fixtures/tls. */
  readonly certificate?: "localhost" | "other";
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

export const CA: string = tlsFile("ca.crt");

export async function openHttpOrigin(
  listener: RequestListener,
  { certificate, host = "127.0.0.1", port = 0, path }: HttpOriginOptions = {},
): Promise<HttpOrigin> {
  const server =
    certificate === undefined
      ? createServer({ keepAliveTimeout: 60_000 }, listener)
      : createSecureServer({ ...credentials(certificate), keepAliveTimeout: 60_000 }, listener);
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  server.listen(path === undefined ? { port, host } : { path });
  await until(server, "listening");
  const listening = path === undefined ? portOf(server) : 0;
  const scheme = certificate === undefined ? "http" : "https";
  return {
    server,
    port: listening,
    url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${listening}`,
    get connections() {
      return connections;
    },
    get open() {
      return sockets.size;
    },
    close,
  };
}

/** Key and certificate of a server. */
export function credentials(name: "localhost" | "other"): { key: string; cert: string } {
  return { key: tlsFile(`${name}.key`), cert: tlsFile(`${name}.crt`) };
}

function tlsFile(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), "utf8");
}
