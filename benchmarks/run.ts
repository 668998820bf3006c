// `npm run bench`: the RPC benchmark from the command line. How to read it: README.md beside this.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { compile } from "./compile.ts";
import { describeMachine, installedVersions } from "./machine.ts";
import { type Report, toJson, toMarkdown } from "./report.ts";
import { judge } from "./rpc/goals.ts";
import { findPeer, FLOOR, PEERS } from "./rpc/peer-list.ts";
import { measureRounds, type Plan } from "./rpc/rounds.ts";
import { findRow, ROWS } from "./rpc/rows.ts";

const ENTRIES = ["benchmarks/rpc/server-process.ts", "benchmarks/rpc/client-process.ts"];
const RESULTS = fileURLToPath(new URL("./results/rpc.json", import.meta.url));

// Both make ws faster where they happen to be installed, so their presence belongs to the result.
const WS_ADD_ONS = ["bufferutil", "utf-8-validate"];

const { values } = parseArgs({
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
const measurement = await measureRounds(plan, compile(ENTRIES));
showProgress("");
const packages = [...plan.peers.flatMap((peer) => peer.packages), ...WS_ADD_ONS];
const report: Report = {
  plan,
  measurement,
  verdicts: judge(measurement),
  machine: describeMachine(),
  versions: installedVersions(packages),
};
process.stdout.write(toMarkdown(report));
saveJson(report);
process.exitCode = measurement.failed.size > 0 ? 1 : 0;

// The floor is always there: every cell is a ratio to it.
function choosePeers(names: string[] | undefined): Plan["peers"] {
  if (names === undefined) return PEERS;
  const chosen = new Set([FLOOR, ...names].map((name) => findPeer(name)));
  return PEERS.filter((peer) => chosen.has(peer));
}

// A partial run must not replace the file that the README quotes, unless it is told to.
function saveJson(finished: Report): void {
  const partial = values.rows !== undefined || values.peers !== undefined;
  if (partial && values.json === undefined) return;
  const file = values.json === undefined ? RESULTS : resolve(values.json);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, toJson(finished));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new TypeError(`--${name} takes a number above zero, not "${text}".`);
}

function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
