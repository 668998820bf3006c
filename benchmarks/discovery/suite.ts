// The discovery suite from the command line: lookups of a member beside raw IPC requests with the same answer.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { forkEntry, nextMessage, stop } from "../children.ts";
import { positive, showProgress } from "../command-line.ts";
import { compile } from "../compile.ts";
import { describeMachine } from "../machine.ts";
import { ranged, table, toRoundedJson, whole } from "../markdown.ts";
import { cpuMicros, pairedSpread, rate, ratio, type Spread, spread } from "../rpc/cells.ts";
import type { Rounds } from "../rpc/rounds.ts";
import type { Answered, Task } from "./asker-process.ts";

const RESULTS = fileURLToPath(new URL("../results/discovery.json", import.meta.url));
const PORT = 24_750;
const TIMEOUT_MS = 60_000;
const GOAL = 0.8;
const ROWS = [1, 64];
const PEERS = ["ipc", "lookup"] as const;
type Peer = (typeof PEERS)[number];

/** Resolves with the exit code: 0, because speed never fails anything here. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "1" },
    },
  });
  const rounds = positive("rounds", values.rounds);
  const seconds = positive("seconds", values.seconds);
  const directory = mkdtempSync(join(tmpdir(), "crosswire-benchmark-"));
  process.env["CROSSWIRE_RUNTIME_DIR"] = directory;
  const children: ChildProcess[] = [];
  try {
    const pair = await startPair(children);
    const report = [];
    for (const inFlight of ROWS) report.push(await measureRow(pair, { inFlight, rounds, seconds }));
    showProgress("");
    process.stdout.write(toMarkdown(report));
    save({ rounds, seconds, rows: report });
    return 0;
  } finally {
    for (const child of children) stop(child);
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Pair {
  readonly leader: ChildProcess;
  readonly asker: ChildProcess;
}

async function startPair(children: ChildProcess[]): Promise<Pair> {
  const entries = ["leader-process", "asker-process"].map(
    (name) => `benchmarks/discovery/${name}.ts`,
  );
  const setting = { node: process.execPath, compiled: compile(entries) };
  const leader = forkEntry(setting, "discovery/leader-process", [String(PORT)]);
  children.push(leader);
  const { rawPort } = await nextMessage<{ rawPort: number }>(leader, TIMEOUT_MS);
  const ports = [String(PORT), String(rawPort)];
  const asker = forkEntry(setting, "discovery/asker-process", ports);
  children.push(asker);
  await nextMessage(asker, TIMEOUT_MS);
  return { leader, asker };
}

interface RowReport {
  readonly inFlight: number;
  readonly peers: Record<
    Peer,
    { readonly ratio: Spread | undefined; readonly rate: Spread | undefined }
  >;
  readonly cpu: Spread | undefined;
  readonly isMet: boolean;
}

async function measureRow(
  pair: Pair,
  { inFlight, rounds, seconds }: { inFlight: number; rounds: number; seconds: number },
): Promise<RowReport> {
  const cells: Record<Peer, Rounds> = { ipc: [], lookup: [] };
  for (let round = 0; round <= rounds; round++) {
    // Another peer goes first in each round; round 0 only warms up.
    for (const peer of round % 2 === 0 ? PEERS : PEERS.toReversed()) {
      showProgress(`${inFlight} in flight, round ${round}, ${peer}`);
      const before = await cpuOf(pair.leader);
      const answered = await ask(pair.asker, { peer, inFlight, seconds });
      const spent = (await cpuOf(pair.leader)) - before + answered.cpuMicros;
      const { count, p50Micros } = answered;
      if (round > 0)
        cells[peer].push({ rate: count / answered.seconds, cpuMicros: spent / count, p50Micros });
    }
  }
  const cellOf = (peer: Peer): RowReport["peers"][Peer] => ({
    ratio: pairedSpread(cells[peer], cells.ipc, rate, ratio),
    rate: spread(cells[peer], rate),
  });
  const peers = { ipc: cellOf("ipc"), lookup: cellOf("lookup") };
  const cpu = pairedSpread(cells.lookup, cells.ipc, cpuMicros, ratio);
  return { inFlight, peers, cpu, isMet: (peers.lookup.ratio?.median ?? 0) >= GOAL };
}

async function ask(asker: ChildProcess, task: Task): Promise<Answered> {
  const answer = nextMessage<Answered>(asker, TIMEOUT_MS);
  asker.send(task);
  return answer;
}

async function cpuOf(leader: ChildProcess): Promise<number> {
  const answer = nextMessage<number>(leader, TIMEOUT_MS);
  leader.send("cpu");
  return answer;
}

function toMarkdown(rows: readonly RowReport[]): string {
  const lines = rows.map(({ inFlight, peers, cpu, isMet }) => [
    String(inFlight),
    `${whole(peers.ipc.rate?.median ?? 0)}/s`,
    `${whole(peers.lookup.rate?.median ?? 0)}/s`,
    peers.lookup.ratio === undefined ? "" : ranged(peers.lookup.ratio),
    cpu === undefined ? "" : ranged(cpu),
    isMet ? "met" : "not met",
  ]);
  const head = ["in flight", "raw request", "lookup", "ratio", "CPU, ratio", `>= ${GOAL}`];
  return `# Lookups of a member, beside raw IPC requests\n\n${table(head, lines)}\n`;
}

function save(content: object): void {
  mkdirSync(dirname(RESULTS), { recursive: true });
  const date = new Date().toISOString();
  writeFileSync(RESULTS, toRoundedJson({ date, machine: describeMachine(), ...content }));
}
