// Crosswire as its users start it: gate, status page and counters included, with the default limits.

import { createProxy } from "../../../src/http/index.ts";
import type { Peer } from "../peer.ts";
import { routesTo } from "../routes.ts";

export const peer: Peer = { start: async (target) => start({ target }) };

export function routedPeer(count: number): Peer {
  return { start: async (origin) => start({ routes: routesTo(origin, count) }) };
}

async function start(options: Parameters<typeof createProxy>[0]): Promise<number> {
  const proxy = createProxy({ port: 0, ...options });
  await proxy.start();
  return proxy.getPort();
}
