// What Crosswire wants to reach in the RPC table, and whether this run reached it.

import { difference, kilobytes, pairedSpread, rate, ratio, type Spread } from "./cells.ts";
import { FLOOR, PEERS } from "./peer-list.ts";
import type { Measurement } from "./rounds.ts";

interface Goal {
  row: string;
  peer: "crosswire" | "crosswire-unix";
  against: "floor" | "best library";
  /** A ratio of rates; for `idle`, kilobytes more than the floor. */
  atLeast?: number;
  atMost?: number;
}

export interface Verdict extends Goal {
  /** The peer that the figure is taken against. */
  reference: string | undefined;
  figure: Spread | undefined;
  result: "pass" | "miss" | "not measured";
}

const GOALS: readonly Goal[] = [
  { row: "lat", peer: "crosswire", against: "floor", atLeast: 0.95 },
  { row: "lat", peer: "crosswire-unix", against: "floor", atLeast: 1.1 },
  { row: "p64", peer: "crosswire", against: "floor", atLeast: 1.7 },
  { row: "p64", peer: "crosswire-unix", against: "floor", atLeast: 2 },
  { row: "p512", peer: "crosswire", against: "floor", atLeast: 2 },
  { row: "note", peer: "crosswire", against: "floor", atLeast: 3 },
  { row: "k10", peer: "crosswire", against: "floor", atLeast: 1 },
  { row: "m1", peer: "crosswire", against: "floor", atLeast: 1 },
  { row: "bin", peer: "crosswire", against: "floor", atLeast: 3 },
  { row: "p64", peer: "crosswire", against: "best library", atLeast: 1.5 },
  { row: "p512", peer: "crosswire", against: "best library", atLeast: 1.5 },
  { row: "note", peer: "crosswire", against: "best library", atLeast: 1.5 },
  { row: "p64", peer: "crosswire-unix", against: "best library", atLeast: 1.5 },
  { row: "idle", peer: "crosswire", against: "floor", atMost: 4 },
  { row: "broadcast", peer: "crosswire", against: "floor", atLeast: 1.5 },
  { row: "broadcast16", peer: "crosswire", against: "floor", atLeast: 1.5 },
];

/** One verdict for each goal whose row was part of the run. */
export function judge(measurement: Measurement): Verdict[] {
  return GOALS.filter((goal) => measurement.rounds.has(goal.row)).map((goal) => {
    const reference = goal.against === "floor" ? FLOOR : bestLibrary(measurement, goal.row);
    const figure = reference === undefined ? undefined : compare(measurement, goal, reference);
    return { ...goal, reference, figure, result: verdict(goal, figure?.median) };
  });
}

function compare({ rounds }: Measurement, goal: Goal, reference: string): Spread | undefined {
  const cells = rounds.get(goal.row);
  const [own, other] = [cells?.get(goal.peer), cells?.get(reference)];
  return goal.row === "idle"
    ? pairedSpread(own, other, kilobytes, difference)
    : pairedSpread(own, other, rate, ratio);
}

function verdict(goal: Goal, median: number | undefined): Verdict["result"] {
  if (median === undefined) return "not measured";
  return median >= (goal.atLeast ?? -Infinity) && median <= (goal.atMost ?? Infinity)
    ? "pass"
    : "miss";
}

/** The library with the highest median ratio to the floor. */
function bestLibrary({ rounds }: Measurement, row: string): string | undefined {
  const cells = rounds.get(row);
  const ranked = PEERS.filter((peer) => peer.role === "library").map(({ name }) => {
    const spread = pairedSpread(cells?.get(name), cells?.get(FLOOR), rate, ratio);
    return { name, median: spread?.median ?? 0 };
  });
  ranked.sort((a, b) => b.median - a.median);
  return ranked.find((peer) => peer.median > 0)?.name;
}
