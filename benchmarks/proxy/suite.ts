// The proxy suite from the command line: reads its options, measures, and writes the results down.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { positive, showProgress } from "../command-line.ts";
import { compile } from "../compile.ts";
import { describeMachine, installedVersions } from "../machine.ts";
import { judge } from "./goals.ts";
import { chooseLoad } from "./http-load.ts";
import { findPeer, FLOOR, OURS, PEERS } from "./peer-list.ts";
import { type Report, toJson, toMarkdown } from "./report.ts";
import { measureRounds, type Plan } from "./rounds.ts";
import { findRow, ROWS } from "./rows.ts";

const PROCESSES = ["bare-process", "origin-process", "proxy-process", "socket-load-process"];
const ENTRIES = [...PROCESSES.map((name) => `benchmarks/proxy/${name}.ts`), "src/cli/main.ts"];
const RESULTS = fileURLToPath(new URL("../results/proxy.json", import.meta.url));

/** Resolves with the exit code: 1 when the gate was missed, or Crosswire did not start, changed or lost something. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: "string" },
      peers: { type: "string" },
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
      json: { type: "string" },
      node: { type: "string", default: process.execPath },
    },
  });
  const node = resolve(values.node);
  const version = versionOf(node);
  const rows = values.rows?.split(",").map(findRow) ?? ROWS;
  const wishes = {
    rows,
    peers: choosePeers(values.peers?.split(","), rows),
    rounds: positive("rounds", values.rounds),
    seconds: wholeSeconds(values.seconds),
    progress: showProgress,
  };
  const load = chooseLoad(node);
  try {
    const setting = { node, compiled: compile(ENTRIES) };
    const report = await measure({ ...wishes, load, setting }, version);
    process.stdout.write(toMarkdown(report));
    const isPartial = [values.rows, values.peers].some((list) => list !== undefined);
    const isOwnNode = version === process.version;
    // The file that the README quotes holds a full run on the Node of the project.
    const file = values.json ?? (isPartial || !isOwnNode ? undefined : RESULTS);
    if (file !== undefined) saveJson(file, report);
    return exitCodeOf(report);
  } finally {
    load.close();
  }
}

async function measure(plan: Plan, node: string): Promise<Report> {
  const [loadBefore = Number.NaN] = loadavg();
  const measurement = await measureRounds(plan);
  showProgress("");
  return {
    plan,
    measurement,
    verdicts: judge(measurement, Number.parseInt(node.slice(1), 10)),
    machine: { ...describeMachine(), node },
    versions: {
      ...installedVersions([...plan.peers.flatMap((peer) => peer.packages), "ws", plan.load.name]),
      ...commandVersions(plan),
    },
    loadBefore,
  };
}

function exitCodeOf({ verdicts, measurement }: Report): number {
  const isMissed = verdicts.some(({ isGate, result }) => isGate && result === "not met");
  const ours = PEERS.filter(({ role }) => role === "crosswire");
  const troubles = [measurement.absent, ...measurement.failed.values()];
  const isBroken = troubles.some((peers) => ours.some(({ name }) => peers.has(name)));
  return isMissed || isBroken ? 1 : 0;
}

// The floor is always there: nearly every cell is a ratio to it. Who is made for one row comes with ours.
function choosePeers(names: string[] | undefined, rows: Plan["rows"]): Plan["peers"] {
  const chosen = names && new Set([FLOOR, ...names].map((name) => findPeer(name)));
  const isOursChosen = chosen?.has(findPeer(OURS)) === true;
  return PEERS.filter((peer) => {
    const isWanted = chosen === undefined || chosen.has(peer);
    if (peer.onlyIn === undefined) return isWanted;
    return (isWanted || isOursChosen) && rows.some(({ name }) => name === peer.onlyIn);
  });
}

// wrk knows no fractions.
function wholeSeconds(text: string): number {
  const value = positive("seconds", text);
  if (Number.isInteger(value)) return value;
  throw new TypeError(`--seconds takes a whole number in the proxy suite, not "${text}".`);
}

function versionOf(node: string): string {
  const { status, stdout } = spawnSync(node, ["-p", "process.version"], { encoding: "utf8" });
  if (status === 0) return stdout.trim();
  throw new TypeError(`--node takes the path of a Node executable, and "${node}" is none.`);
}

/** nginx says its version on stderr, haproxy and wrk on stdout. */
function commandVersions({ load, peers }: Plan): Record<string, string> {
  const servers = peers.flatMap((peer) => (peer.role === "server" ? [peer.command] : []));
  const versions: Record<string, string> = {};
  for (const command of [...servers, load.name]) {
    const { error, stdout, stderr } = spawnSync(command, ["-v"], { encoding: "utf8" });
    const version = /\d+\.\d+(\.\d+)?/.exec(`${stderr} ${stdout}`)?.[0];
    if (error === undefined && version !== undefined) versions[command] = version;
  }
  return versions;
}

function saveJson(file: string, report: Report): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(resolve(file), toJson(report));
}
