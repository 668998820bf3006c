// What Crosswire wants to reach in the proxy table, and whether this run reached it.

import {
  cpuMicros,
  type Figure,
  kilobytes,
  p50Micros,
  pairedSpread,
  rate,
  ratio,
  type Spread,
  spread,
} from "../rpc/cells.ts";
import { FLOOR, OURS, PEERS, RIVAL, routedName } from "./peer-list.ts";
import type { Measurement } from "./rounds.ts";

interface Goal {
  row: string;
  figure: "rate" | "CPU per request" | "growth" | "time";
  /** Whose figure it is, where it is not that of our peer. */
  of?: string;
  /** A peer, "best library", or nobody: then the figure itself is judged. */
  against: string | undefined;
  /** A ratio of rates; the second one from Node 24 on. */
  atLeast?: readonly [number, number];
  /** A ratio of CPU times, or MiB, or milliseconds. */
  atMost?: number;
  /** The steadiest figure of all decides over the exit code. */
  isGate?: true;
}

export interface Verdict {
  row: string;
  figure: Goal["figure"];
  /** In words. */
  target: string;
  measured: Spread | undefined;
  result: "met" | "not met" | "not measured";
  isGate: boolean;
}

const FEWEST_ROUTES = routedName(10);
const MOST_ROUTES = routedName(1_000);

const GOALS: readonly Goal[] = [
  { row: "get", figure: "CPU per request", against: RIVAL, atMost: 0.5, isGate: true },
  { row: "get", figure: "rate", against: RIVAL, atLeast: [2, 2.8] },
  { row: "get", figure: "rate", against: "best library", atLeast: [1, 1] },
  { row: "post", figure: "rate", against: RIVAL, atLeast: [2, 2] },
  { row: "chunked", figure: "rate", against: RIVAL, atLeast: [2, 2] },
  { row: "down", figure: "rate", against: RIVAL, atLeast: [1.3, 1.3] },
  { row: "up", figure: "rate", against: RIVAL, atLeast: [0.95, 1.05] },
  { row: "wslat", figure: "rate", against: "best library", atLeast: [1, 1] },
  { row: "ws", figure: "rate", against: "best library", atLeast: [1, 1] },
  { row: "gib", figure: "growth", against: undefined, atMost: 64 },
  { row: "gibup", figure: "growth", against: undefined, atMost: 64 },
  {
    row: "routes",
    figure: "rate",
    of: MOST_ROUTES,
    against: FEWEST_ROUTES,
    atLeast: [0.95, 0.95],
  },
  {
    row: "routes",
    figure: "CPU per request",
    of: MOST_ROUTES,
    against: FEWEST_ROUTES,
    atMost: 1.05,
  },
  { row: "start", figure: "time", against: undefined, atMost: 300 },
];

/** One verdict for each goal whose row was part of the run. */
export function judge(measurement: Measurement, nodeMajor: number): Verdict[] {
  return GOALS.filter((goal) => measurement.rounds.has(goal.row)).map((goal) => {
    const reference =
      goal.against === "best library" ? bestLibrary(measurement, goal.row) : goal.against;
    const atLeast = goal.atLeast?.[nodeMajor >= 24 ? 1 : 0];
    const measured = measure(measurement, goal, reference);
    return {
      row: goal.row,
      figure: goal.figure,
      target: describe(goal, atLeast, reference),
      measured,
      result: verdict(measured?.median, atLeast, goal.atMost),
      isGate: goal.isGate ?? false,
    };
  });
}

function measure(
  { rounds }: Measurement,
  { row, figure, of = OURS }: Goal,
  reference: string | undefined,
): Spread | undefined {
  const cells = rounds.get(row);
  const own = cells?.get(of);
  if (figure === "growth") return spread(own, mebibytes);
  if (figure === "time") return spread(own, millis);
  const other = reference === undefined ? undefined : cells?.get(reference);
  return pairedSpread(own, other, figure === "rate" ? rate : cpuMicros, ratio);
}

export const mebibytes: Figure = (segment) => {
  const size = kilobytes(segment);
  return size === undefined ? undefined : size / 1024;
};

export const millis: Figure = (segment) => {
  const micros = p50Micros(segment);
  return micros === undefined ? undefined : micros / 1000;
};

function verdict(
  median: number | undefined,
  atLeast = -Infinity,
  atMost = Infinity,
): Verdict["result"] {
  if (median === undefined) return "not measured";
  return median >= atLeast && median <= atMost ? "met" : "not met";
}

function describe(goal: Goal, atLeast: number | undefined, reference: string | undefined): string {
  if (goal.figure === "growth") return `≤ ${goal.atMost} MiB`;
  if (goal.figure === "time") return `≤ ${goal.atMost} ms`;
  const name =
    goal.against === "best library" ? `best library (${reference ?? "none ran"})` : reference;
  const relation = atLeast === undefined ? `≤ ${goal.atMost}` : `≥ ${atLeast}`;
  return `${relation} × ${name}${goal.of === undefined ? "" : `, by ${goal.of}`}`;
}

/** The Node library with the highest median ratio to the floor. */
function bestLibrary({ rounds }: Measurement, row: string): string | undefined {
  const cells = rounds.get(row);
  const ranked = PEERS.filter((peer) => peer.role === "library").map(({ name }) => {
    const ratios = pairedSpread(cells?.get(name), cells?.get(FLOOR), rate, ratio);
    return { name, median: ratios?.median ?? 0 };
  });
  ranked.sort((a, b) => b.median - a.median);
  return ranked.find((peer) => peer.median > 0)?.name;
}
