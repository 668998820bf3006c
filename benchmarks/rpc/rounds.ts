// Visits every peer in turn, row by row and round by round. Knows no ratios and no files.

import { fileURLToPath } from "node:url";
import type { Command } from "./client-process.ts";
import { Pair } from "./pair.ts";
import { FLOOR, type PeerEntry } from "./peer-list.ts";
import type { Row } from "./rows.ts";
import type { Segment } from "./segment.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

export interface Plan {
  peers: readonly PeerEntry[];
  rows: readonly Row[];
  rounds: number;
  seconds: number;
  progress: (text: string) => void;
}

/** One entry per round; `undefined` where the peer had nothing to measure. */
export type Rounds = (Segment | undefined)[];

export interface Measurement {
  /** By row name, then by peer name. */
  rounds: Map<string, Map<string, Rounds>>;
  /** Why a peer does not run here. */
  absent: Map<string, string>;
  /** What a peer lost or changed. It is measured no further. */
  failed: Map<string, string>;
}

export async function measureRounds(plan: Plan, compiled: URL): Promise<Measurement> {
  const measurement: Measurement = { rounds: new Map(), absent: new Map(), failed: new Map() };
  const started: Pair[] = [];
  try {
    for (const entry of plan.peers) {
      const pair = new Pair(entry);
      started.push(pair);
      await admit(pair, plan, compiled, measurement);
    }
    for (const row of plan.rows) await measureRow(row, started, plan, measurement);
  } finally {
    for (const pair of started) pair.stop();
  }
  return measurement;
}

async function admit(pair: Pair, plan: Plan, compiled: URL, to: Measurement): Promise<void> {
  const { name } = pair.entry;
  plan.progress(`gate ${name}`);
  try {
    await pair.start(compiled);
  } catch (error) {
    to.absent.set(name, reason(error));
    return pair.stop();
  }
  await askUnlessFailed(pair, { kind: "gate" }, to);
}

async function measureRow(row: Row, pairs: Pair[], plan: Plan, to: Measurement): Promise<void> {
  const command = { kind: "measure", row: row.name, seconds: plan.seconds } as const;
  const cells = new Map<string, Rounds>(pairs.map((pair) => [pair.entry.name, []]));
  to.rounds.set(row.name, cells);
  for (let round = 0; round <= plan.rounds; round += 1) {
    for (const pair of rotated(pairs, round)) {
      plan.progress(`${row.name} ${round === 0 ? "warm-up" : `round ${round}`} ${pair.entry.name}`);
      const segment = await askUnlessFailed(pair, command, to);
      if (round > 0) cells.get(pair.entry.name)?.push(segment);
    }
  }
  for (const pair of pairs) await askUnlessFailed(pair, { kind: "rest" }, to);
}

async function askUnlessFailed(
  pair: Pair,
  command: Command,
  { absent, failed }: Measurement,
): Promise<Segment | undefined> {
  const { name } = pair.entry;
  if (absent.has(name) || failed.has(name)) return undefined;
  try {
    return await pair.ask(command);
  } catch (error) {
    failed.set(
      name,
      `${command.kind === "measure" ? command.row : command.kind}: ${reason(error)}`,
    );
    pair.stop();
    if (name === FLOOR)
      throw new Error("The floor failed; there is nothing to compare with.", {
        cause: error,
      });
    return undefined;
  }
}

// Results are published, so they say nothing about where the repository lies.
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(REPOSITORY, "");
}

// Another peer goes first in each round, so that a slow start of the round hits all alike.
function rotated<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
