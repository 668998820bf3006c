// http-proxy without an agent, which is its default, and with one that keeps connections.

import { Agent } from "node:http";
import httpProxy from "http-proxy";
import { listen, type Peer } from "../peer.ts";

export const defaultPeer: Peer = { start: async (target) => start({ target }) };

export const keepAlivePeer: Peer = {
  start: async (target) => start({ target, agent: new Agent({ keepAlive: true }) }),
};

async function start(options: httpProxy.ServerOptions): Promise<number> {
  const proxy = httpProxy.createProxyServer(options);
  // Without a listener one failed request would end the process.
  proxy.on("error", (_error, _request, response) => void response.end());
  return listen(
    (request, response) => proxy.web(request, response),
    (server) => {
      server.on("upgrade", (request, socket, head: Buffer) => proxy.ws(request, socket, head));
    },
  );
}
