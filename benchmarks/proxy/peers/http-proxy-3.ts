// http-proxy-3 with an agent that keeps connections: its default is none, and slower.

import { Agent } from "node:http";
import { createProxyServer } from "http-proxy-3";
import { listen, type Peer } from "../peer.ts";

export const peer: Peer = { start };

async function start(target: string): Promise<number> {
  const proxy = createProxyServer({ target, agent: new Agent({ keepAlive: true }) });
  proxy.on("error", (_error, _request, response) => void response.end());
  return listen(
    (request, response) => proxy.web(request, response),
    (server) => {
      server.on("upgrade", (request, socket, head: Buffer) => proxy.ws(request, socket, head));
    },
  );
}
