// The peers, in the order of the tables. Loads an adapter only in the process that runs it.

import { findNamed } from "../command-line.ts";
import type { Peer } from "./peer.ts";
import { ROUTE_COUNTS } from "./routes.ts";

export type PeerEntry = {
  name: string;
  packages: readonly string[];
  /** Missing for what passes no WebSockets on; those rows show "–". */
  passesWebSockets?: true;
  /** The row that it is made for; it takes part in no other. */
  onlyIn?: string;
} & (
  | { role: "floor" }
  | { role: "crosswire" | "library"; load(): Promise<Peer> }
  | { role: "server"; command: "nginx" | "haproxy" }
);

/** No proxy at all. */
export const FLOOR = "direct";
export const OURS = "crosswire";
export const RIVAL = "http-proxy-ka";

export const PEERS: readonly PeerEntry[] = [
  { name: FLOOR, role: "floor", packages: [], passesWebSockets: true },
  {
    name: OURS,
    role: "crosswire",
    packages: [],
    passesWebSockets: true,
    load: async () => (await import("./peers/crosswire.ts")).peer,
  },
  {
    name: "http-proxy",
    role: "library",
    packages: ["http-proxy"],
    passesWebSockets: true,
    load: async () => (await import("./peers/http-proxy.ts")).defaultPeer,
  },
  {
    name: RIVAL,
    role: "library",
    packages: ["http-proxy"],
    passesWebSockets: true,
    load: async () => (await import("./peers/http-proxy.ts")).keepAlivePeer,
  },
  {
    name: "http-proxy-3",
    role: "library",
    packages: ["http-proxy-3"],
    passesWebSockets: true,
    load: async () => (await import("./peers/http-proxy-3.ts")).peer,
  },
  {
    name: "httpxy",
    role: "library",
    packages: ["httpxy"],
    passesWebSockets: true,
    load: async () => (await import("./peers/httpxy.ts")).peer,
  },
  {
    name: "fastify",
    role: "library",
    packages: ["@fastify/http-proxy", "fastify"],
    passesWebSockets: true,
    load: async () => (await import("./peers/fastify-http-proxy.ts")).peer,
  },
  {
    name: "undici",
    role: "library",
    packages: ["undici"],
    load: async () => (await import("./peers/undici.ts")).peer,
  },
  { name: "nginx", role: "server", packages: [], passesWebSockets: true, command: "nginx" },
  { name: "haproxy", role: "server", packages: [], passesWebSockets: true, command: "haproxy" },
  ...ROUTE_COUNTS.map(routedEntry),
];

/** Our peer with so many routes. */
export function routedName(count: number): string {
  return `${OURS}-${count}`;
}

function routedEntry(count: number): PeerEntry {
  return {
    name: routedName(count),
    role: "crosswire",
    packages: [],
    onlyIn: "routes",
    load: async () => (await import("./peers/crosswire.ts")).routedPeer(count),
  };
}

export function findPeer(name: string | undefined): PeerEntry {
  return findNamed(PEERS, "peer", name);
}
