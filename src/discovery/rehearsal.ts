// A successor leads once for itself alone: the code that a new leader runs is compiled then, and not when all wait for it.

import { IPCServer } from "../ipc/server.ts";
import type { Limits } from "../limits.ts";
import { DiscoveryServer } from "./discovery-server.ts";
import type { Leadership } from "./elector.ts";
import { follow, LeaderSeat, type Sitter } from "./seat.ts";

const API = "rehearsal";

const SITTER: Sitter = {
  name: API,
  instanceId: API,
  knownEpoch: 0,
  services: [{ api: API, baseUrl: "http://127.0.0.1:1" }],
  canLead: true,
};

/** Whom nobody elected, and nobody will come after. */
const LEADERSHIP: Leadership = {
  epoch: 1,
  signal: new AbortController().signal,
  predecessors: [],
  remember: () => {},
  resign: async () => {},
};

/**
 * Serves one follower and one lookup, on any free port and with a token that nobody else has, and leaves nothing
 * behind. About 30 ms of processor time. Never rejects: without it the first term begins slower, and that is all.
 */
export async function rehearse(limits: Limits): Promise<void> {
  const server = new IPCServer(0, { name: API, limits, keepsAlive: false });
  const discovery = new DiscoveryServer(server, { limits });
  const { token } = server;
  try {
    await server.start();
    void new LeaderSeat(SITTER, LEADERSHIP, { server, discovery });
    const seat = await follow({ address: server.getPort(), sitter: SITTER, token, limits });
    await seat?.discoverApi(API, limits.discoveryHandshakeMs);
    await seat?.leave(0);
  } catch {
    // No port was free, say. Whoever leads will learn it anyway.
  } finally {
    discovery.close();
    await server.close({ graceMs: 0 });
  }
}
