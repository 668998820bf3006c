// The RPC suite from the command line: reads its options, measures, and writes the results down.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { positive, showProgress } from "../command-line.ts";
import { compile } from "../compile.ts";
import { describeMachine, installedVersions } from "../machine.ts";
import { judge } from "./goals.ts";
import { findPeer, FLOOR, PEERS } from "./peer-list.ts";
import { type Report, toJson, toMarkdown } from "./report.ts";
import { measureRounds, type Plan } from "./rounds.ts";
import { findRow, ROWS } from "./rows.ts";

const ENTRIES = ["benchmarks/rpc/server-process.ts", "benchmarks/rpc/client-process.ts"];
const RESULTS = fileURLToPath(new URL("../results/rpc.json", import.meta.url));

// Both make ws faster where they happen to be installed, so their presence belongs to the result.
const WS_ADD_ONS = ["bufferutil", "utf-8-validate"];

/** Resolves with the exit code: 1 when a peer lost or changed something. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "0.5" },
      json: { type: "string" },
    },
  });
  const plan: Plan = {
    rows: values.rows?.split(",").map(findRow) ?? ROWS,
    peers: choosePeers(values.peers?.split(",")),
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    progress: showProgress,
  };
  const report = await measure(plan);
  process.stdout.write(toMarkdown(report));
  // A partial run must not replace the file that the README quotes, unless it is told to.
  const isPartial = values.rows !== undefined || values.peers !== undefined;
  const file = values.json ?? (isPartial ? undefined : RESULTS);
  if (file !== undefined) saveJson(file, report);
  return report.measurement.failed.size > 0 ? 1 : 0;
}

async function measure(plan: Plan): Promise<Report> {
  const measurement = await measureRounds(plan, compile(ENTRIES));
  showProgress("");
  const packages = [...plan.peers.flatMap((peer) => peer.packages), ...WS_ADD_ONS];
  return {
    plan,
    measurement,
    verdicts: judge(measurement),
    machine: describeMachine(),
    versions: installedVersions(packages),
  };
}

// The floor is always there: every cell is a ratio to it.
function choosePeers(names: string[] | undefined): Plan["peers"] {
  if (names === undefined) return PEERS;
  const chosen = new Set([FLOOR, ...names].map((name) => findPeer(name)));
  return PEERS.filter((peer) => chosen.has(peer));
}

function saveJson(file: string, report: Report): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(resolve(file), toJson(report));
}
