// The rows of the suite: what is measured, who is compared with whom, and what is to be reached.

import type { Operation, Peer } from "./tasks.ts";

export interface Row {
  readonly name: string;
  readonly operation: Operation;
  readonly inFlight: number;
  /** The first is compared with the second. */
  readonly peers: readonly [Peer, Peer, ...Peer[]];
  readonly goal: number;
  /** Instead of a time. */
  readonly count?: number;
}

export const ROWS: readonly Row[] = [
  {
    name: "fetch-1",
    operation: "fetch",
    inFlight: 1,
    peers: ["crosswire", "msw", "plain"],
    goal: 1,
  },
  {
    name: "fetch-64",
    operation: "fetch",
    inFlight: 64,
    peers: ["crosswire", "msw", "plain"],
    goal: 3,
  },
  {
    name: "http-1",
    operation: "http",
    inFlight: 1,
    peers: ["crosswire", "msw", "plain"],
    goal: 1.5,
  },
  {
    name: "http-64",
    operation: "http",
    inFlight: 64,
    peers: ["crosswire", "msw", "plain"],
    goal: 3,
  },
  { name: "idle-fetch", operation: "fetch", inFlight: 1, peers: ["idle", "freed"], goal: 0.9 },
  { name: "idle-fetch-64", operation: "fetch", inFlight: 64, peers: ["idle", "freed"], goal: 0.9 },
  { name: "idle-http", operation: "http", inFlight: 1, peers: ["idle", "freed"], goal: 0.9 },
  { name: "idle-http-64", operation: "http", inFlight: 64, peers: ["idle", "freed"], goal: 0.9 },
  {
    name: "body",
    operation: "body",
    inFlight: 1,
    peers: ["crosswire", "plain"],
    goal: 0.3,
    count: 3,
  },
  { name: "frame", operation: "frame", inFlight: 1, peers: ["crosswire", "plain"], goal: 0.5 },
  { name: "hundred", operation: "fetch", inFlight: 1, peers: ["hundred", "crosswire"], goal: 0.9 },
];
