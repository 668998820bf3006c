// httpxy with its defaults, which keep connections.

import type { Socket } from "node:net";
import { createProxyServer } from "httpxy";
import { listen, type Peer } from "../peer.ts";

export const peer: Peer = { start };

async function start(target: string): Promise<number> {
  const proxy = createProxyServer({ target });
  proxy.on("error", (_error, _request, response) => void response?.end());
  return listen(
    (request, response) => void proxy.web(request, response),
    (server) => {
      server.on("upgrade", (request, socket, head: Buffer) => {
        void proxy.ws(request, socket as Socket, { target }, head);
      });
    },
  );
}
