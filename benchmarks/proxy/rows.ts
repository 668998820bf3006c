// The rows of the proxy table as data. Knows what is asked of a proxy, not how it is timed.

import { findNamed } from "../command-line.ts";
import { ROUTED_PATH } from "./routes.ts";

export const MB: number = 1024 * 1024;
export const GB: number = 1024 * MB;

/** Bodies of the small rows, and messages of the WebSocket rows. */
export const SMALL_BYTES = 100;
export const POST_BYTES = 200;

export const SOCKETS = 64;

export type Row = {
  name: string;
  title: string;
  /** How often a round visits each peer: more than once where a goal is finer than one visit can tell. */
  visitsPerRound?: number;
} & (
  | {
      kind: "http";
      path: string;
      connections: number;
      bodyBytes?: number;
      /** Only the peers that are made for this row take part. */
      hasOwnPeers?: true;
    }
  | { kind: "socket"; inFlight: number; showsLatency?: true }
  | { kind: "memory"; direction: "down" | "up" }
  | { kind: "start" }
);

export type HttpRow = Extract<Row, { kind: "http" }>;
export type SocketRow = Extract<Row, { kind: "socket" }>;
export type MemoryRow = Extract<Row, { kind: "memory" }>;
export type StartRow = Extract<Row, { kind: "start" }>;

export const ROWS: readonly Row[] = [
  {
    name: "get",
    title: `GET of ${SMALL_BYTES} B, 64 connections`,
    kind: "http",
    path: "/small",
    connections: 64,
  },
  {
    name: "post",
    title: `POST of ${POST_BYTES} B, 64 connections`,
    kind: "http",
    path: "/count",
    connections: 64,
    bodyBytes: POST_BYTES,
  },
  {
    name: "chunked",
    title: `GET of ${SMALL_BYTES} B in chunked framing, 64 connections`,
    kind: "http",
    path: "/chunked",
    connections: 64,
  },
  {
    name: "down",
    title: "1 MB down, 8 connections",
    kind: "http",
    path: `/bytes/${MB}`,
    connections: 8,
  },
  {
    name: "up",
    title: "1 MB up, 8 connections",
    kind: "http",
    path: "/count",
    connections: 8,
    bodyBytes: MB,
  },
  {
    name: "wslat",
    title: `${SMALL_BYTES} B WebSocket echo, ${SOCKETS} connections, 1 in flight each; the rate is 1 / p50`,
    kind: "socket",
    inFlight: 1,
    showsLatency: true,
  },
  {
    name: "ws",
    title: `${SMALL_BYTES} B WebSocket echo, ${SOCKETS} connections, 16 in flight each`,
    kind: "socket",
    inFlight: 16,
  },
  {
    name: "gib",
    title: "growth of the proxy's memory while 1 GiB goes to a slow client",
    kind: "memory",
    direction: "down",
  },
  {
    name: "gibup",
    title: "growth of the proxy's memory while 1 GiB goes to a slow target",
    kind: "memory",
    direction: "up",
  },
  {
    name: "routes",
    title: `GET of ${SMALL_BYTES} B, 64 connections, with 10, 100 and 1,000 routes`,
    kind: "http",
    path: ROUTED_PATH,
    connections: 64,
    hasOwnPeers: true,
    visitsPerRound: 3,
  },
  {
    name: "start",
    title: "from the start of the process `crosswire proxy` to its first answer",
    kind: "start",
    visitsPerRound: 4,
  },
];

export function findRow(name: string): Row {
  return findNamed(ROWS, "row", name);
}
