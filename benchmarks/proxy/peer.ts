// What a proxy has to offer to be measured. Names no proxy and no row.

import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

/** A proxy that runs in a Node process of its own, and listens on a port of the system's choice. */
export interface Peer {
  /** Resolves with the port on which everything is passed on to `origin`. */
  start(origin: string): Promise<number>;
}

/** The port of a plain node:http front, as the documentation of most libraries makes it. */
export async function listen(listener: RequestListener, prepare?: (server: Server) => void) {
  const server = createServer(listener);
  prepare?.(server);
  return portOf(server);
}

/** Listens on the loopback address only. */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
