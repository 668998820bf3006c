// A peer's server as a process of its own: does the work, counts, and says where it listens.

import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Order, PeerServer, ServerState, Work } from "./peer.ts";
import { findPeer } from "./peer-list.ts";

export type ServerAnnouncement = { address: string } | { error: string };

let server: PeerServer | undefined;
let notes = 0;
let lastBlob: Uint8Array = new Uint8Array();

const work: Work = {
  echo: async (payload) => payload,
  blob: async (bytes) => {
    lastBlob = bytes;
    return { bytes: bytes.byteLength };
  },
  note: () => {
    notes += 1;
  },
  control,
};

process.on("disconnect", () => void stop());
announce(await start());

async function start(): Promise<ServerAnnouncement> {
  try {
    const peer = await findPeer(process.argv[2]).load();
    server = await peer.serve(work);
    return { address: server.address };
  } catch (error) {
    return { error: String(error) };
  }
}

async function stop(): Promise<void> {
  await server?.close?.();
  process.exit();
}

function announce(announcement: ServerAnnouncement): void {
  process.send?.(announcement);
}

async function control(order: Order): Promise<ServerState> {
  if (order.kind === "broadcast") server?.broadcast?.(order.payload);
  const { user, system } = process.cpuUsage();
  const state: ServerState = { notes, cpuMicros: user + system };
  if (order.kind === "heap") state.heapBytes = await settledHeap();
  if (order.kind === "digest") state.digest = digest(lastBlob);
  return state;
}

// Closing sockets let go of their memory some turns after their `close` event.
async function settledHeap(): Promise<number> {
  globalThis.gc?.();
  await delay(100);
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
