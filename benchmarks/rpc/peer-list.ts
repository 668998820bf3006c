// The peers, in the order of the tables. Loads an adapter only in the process that runs it.

import type { Peer } from "./peer.ts";

export interface PeerEntry {
  name: string;
  /** `library` peers are those that the "best RPC library" goals are measured against. */
  role: "floor" | "crosswire" | "library" | "built in";
  packages: readonly string[];
  /** The client forks its own server, so there is one connection and no crowd. */
  forksServer?: true;
  load(): Promise<Peer>;
}

export const FLOOR = "ws";

export const PEERS: readonly PeerEntry[] = [
  {
    name: FLOOR,
    role: "floor",
    packages: ["ws"],
    load: async () => (await import("./peers/ws.ts")).peer,
  },
  {
    name: "crosswire",
    role: "crosswire",
    packages: [],
    load: async () => (await import("./peers/crosswire.ts")).tcpPeer,
  },
  {
    name: "crosswire-unix",
    role: "crosswire",
    packages: [],
    load: async () => (await import("./peers/crosswire.ts")).unixPeer,
  },
  {
    name: "birpc",
    role: "library",
    packages: ["birpc"],
    load: async () => (await import("./peers/birpc.ts")).peer,
  },
  {
    name: "capnweb",
    role: "library",
    packages: ["capnweb"],
    load: async () => (await import("./peers/capnweb.ts")).peer,
  },
  {
    name: "socket.io",
    role: "library",
    packages: ["socket.io", "socket.io-client"],
    load: async () => (await import("./peers/socket-io.ts")).peer,
  },
  {
    name: "trpc",
    role: "library",
    packages: ["@trpc/server", "@trpc/client"],
    load: async () => (await import("./peers/trpc.ts")).peer,
  },
  {
    name: "vscode-jsonrpc",
    role: "library",
    packages: ["vscode-jsonrpc"],
    load: async () => (await import("./peers/vscode-jsonrpc.ts")).peer,
  },
  {
    name: "process.send",
    role: "built in",
    packages: [],
    forksServer: true,
    load: async () => (await import("./peers/process-send.ts")).peer,
  },
];

export function findPeer(name: string | undefined): PeerEntry {
  const entry = PEERS.find((peer) => peer.name === name);
  if (entry !== undefined) return entry;
  const known = PEERS.map((peer) => peer.name).join(", ");
  throw new TypeError(`There is no peer "${name}". The peers are: ${known}.`);
}
