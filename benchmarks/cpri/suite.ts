// The CPRI suite from the command line: requests answered by another process, beside msw 2 answering in the same
// process, and beside plain requests to a local server.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { forkEntry, nextMessage, type Setting, stop } from "../children.ts";
import { positive, showProgress } from "../command-line.ts";
import { compile } from "../compile.ts";
import { describeMachine } from "../machine.ts";
import { ranged, table, toRoundedJson, whole } from "../markdown.ts";
import { cpuMicros, pairedSpread, rate, ratio, type Spread, spread } from "../rpc/cells.ts";
import type { Segment } from "../rpc/segment.ts";
import { type Row, ROWS } from "./rows.ts";
import { measureStart } from "./start-cost.ts";
import type { Done, Peer, Task } from "./tasks.ts";

const RESULTS = fileURLToPath(new URL("../results/cpri.json", import.meta.url));
const TIMEOUT_MS = 120_000;
const MIB = 1_048_576;
const FLAT_BATCHES = 10;
const FLAT_BATCH = 1_000;
/** Of each peer, with each operation: as long as it takes until its code is compiled for good. */
const WARM_UP_SECONDS = 10;

/** Resolves with the exit code: 0, because speed never fails anything here. */
export async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "1" },
      rows: { type: "string" },
      node: { type: "string", default: process.execPath },
      json: { type: "string" },
    },
  });
  const plan = {
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
  };
  const wanted = values.rows?.split(",");
  const isWanted = (name: string): boolean => wanted === undefined || wanted.includes(name);
  const directory = mkdtempSync(join(tmpdir(), "crosswire-benchmark-"));
  process.env["CROSSWIRE_RUNTIME_DIR"] = directory;
  const entries = ["app-process", "receiver-process", "origin-process"].map(
    (name) => `benchmarks/cpri/${name}.ts`,
  );
  const compiled = compile(entries);
  const world = new World({ node: values.node, compiled });
  try {
    await world.start();
    const rows: RowReport[] = [];
    for (const row of ROWS.filter(({ name }) => isWanted(name))) {
      rows.push(await measureRow(world, row, plan));
    }
    const flat = isWanted("flat") ? await measureFlat(world) : undefined;
    const start = isWanted("import") ? measureStart(15, values.node) : undefined;
    showProgress("");
    process.stdout.write(toMarkdown(rows, flat, start));
    const file = values.json ?? (wanted === undefined ? RESULTS : undefined);
    if (file !== undefined) save(file, { ...plan, rows, flat, start });
    return 0;
  } finally {
    world.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All processes are alive at once; one application at a time works. */
class World {
  #setting: Setting;
  #children: ChildProcess[] = [];
  #apps = new Map<Peer, ChildProcess>();
  #others: ChildProcess[] = [];

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  async start(): Promise<void> {
    const origin = this.#fork("origin-process", []);
    const port = String(await nextMessage<number>(origin, TIMEOUT_MS));
    this.#others.push(origin);
    const receivers: readonly [name: string, others: number][] = [
      ["one", 0],
      ["hundred", 99],
    ];
    for (const [name, others] of receivers) {
      const receiver = this.#fork("receiver-process", [name, String(others)]);
      await nextMessage(receiver, TIMEOUT_MS);
      this.#others.push(receiver);
    }
    for (const peer of ["plain", "idle", "msw", "crosswire", "hundred"] as const) {
      const app = this.#fork("app-process", [peer, port, peer === "hundred" ? "hundred" : "one"]);
      await nextMessage(app, TIMEOUT_MS);
      this.#apps.set(peer, app);
      // Else the last row would find the one warm that had many rows before, and the other one cold.
      for (const operation of ["fetch", "http"] as const) {
        showProgress(`warming up, ${peer}, ${operation}`);
        await this.ask(peer, { operation, inFlight: 16, seconds: WARM_UP_SECONDS });
      }
    }
  }

  async ask(peer: Peer, task: Omit<Task, "isCapturing">): Promise<Done> {
    const app = this.#apps.get(peer === "freed" ? "idle" : peer) as ChildProcess;
    const before = await this.#cpu();
    const done = nextMessage<Done>(app, TIMEOUT_MS);
    app.send({ ...task, isCapturing: peer !== "freed" } satisfies Task);
    const { cpuMicros: own, ...figures } = await done;
    return { ...figures, cpuMicros: own + (await this.#cpu()) - before };
  }

  stop(): void {
    for (const child of this.#children) stop(child);
  }

  /** Of those that answer. */
  async #cpu(): Promise<number> {
    let sum = 0;
    for (const child of this.#others) {
      const answer = nextMessage<number>(child, TIMEOUT_MS);
      child.send("cpu");
      sum += await answer;
    }
    return sum;
  }

  #fork(entry: string, args: string[]): ChildProcess {
    const child = forkEntry(this.#setting, `cpri/${entry}`, args);
    this.#children.push(child);
    return child;
  }
}

interface RowReport {
  readonly name: string;
  readonly rates: Partial<Record<Peer, Spread>>;
  readonly ratio: Spread | undefined;
  readonly cpu: Spread | undefined;
  readonly rssGrowthMib?: number;
  readonly goal: number;
  readonly isMet: boolean;
}

interface Plan {
  readonly rounds: number;
  readonly seconds: number;
}

async function measureRow(world: World, row: Row, { rounds, seconds }: Plan): Promise<RowReport> {
  const { name, operation, inFlight, peers, goal } = row;
  const cells: Partial<Record<Peer, Segment[]>> = {};
  let growth = 0;
  for (let round = 0; round <= rounds; round++) {
    // Another peer goes first in each round; round 0 only warms up.
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      showProgress(`${name}, round ${round}, ${peer}`);
      const limit = row.count === undefined ? { seconds } : { count: row.count };
      const done = await world.ask(peer, { operation, inFlight, ...limit });
      if (round === 0) continue;
      if (peer === peers[0]) growth = Math.max(growth, done.rssGrowthBytes);
      (cells[peer] ??= []).push({
        rate: done.count / done.seconds,
        cpuMicros: done.cpuMicros / done.count,
        p50Micros: done.p50Micros,
      });
    }
  }
  const [own, against] = peers;
  const paired = pairedSpread(cells[own], cells[against], rate, ratio);
  const rates = Object.fromEntries(peers.map((peer) => [peer, spread(cells[peer], rate)]));
  return {
    name,
    rates,
    ratio: paired,
    cpu: pairedSpread(cells[own], cells[against], cpuMicros, ratio),
    ...(operation === "body" ? { rssGrowthMib: growth / MIB } : {}),
    goal,
    isMet: (paired?.median ?? 0) >= goal && growth / MIB < (operation === "body" ? 64 : Infinity),
  };
}

interface Flat {
  /** Requests per second, thousand by thousand. */
  readonly rates: readonly number[];
  readonly resources: readonly number[];
}

async function measureFlat(world: World): Promise<Flat> {
  const batches: Done[] = [];
  for (let i = 0; i < FLAT_BATCHES; i++) {
    showProgress(`flat, ${i}`);
    batches.push(
      await world.ask("crosswire", { operation: "fetch", inFlight: 16, count: FLAT_BATCH }),
    );
  }
  return {
    rates: batches.map(({ count, seconds }) => count / seconds),
    resources: batches.map(({ resources }) => resources),
  };
}

function toMarkdown(
  rows: readonly RowReport[],
  flat: Flat | undefined,
  start: ReturnType<typeof measureStart> | undefined,
): string {
  const lines = rows.map((row) => [
    row.name,
    Object.entries(row.rates)
      .map(([peer, { median }]) => `${peer} ${whole(median)}/s`)
      .join(", "),
    row.ratio === undefined ? "" : ranged(row.ratio),
    row.cpu === undefined ? "" : ranged(row.cpu),
    row.rssGrowthMib === undefined ? "" : `+${whole(row.rssGrowthMib)} MiB`,
    `>= ${row.goal}`,
    row.isMet ? "met" : "not met",
  ]);
  const head = ["row", "rates", "ratio", "CPU, ratio", "memory", "goal", "result"];
  const parts = ["# Answered by another process", table(head, lines)];
  if (flat !== undefined) {
    parts.push(
      `Flat: ${flat.rates.map(whole).join(", ")} requests/s; open: ${flat.resources.join(", ")}.`,
    );
  }
  if (start !== undefined) {
    const { emptyMs, registerMs, emptyCpuMs, registerCpuMs } = start;
    parts.push(
      `Preloading: ${(registerMs - emptyMs).toFixed(0)} ms over an empty process (${emptyMs.toFixed(0)} ms); processor time ${(registerCpuMs - emptyCpuMs).toFixed(0)} ms over ${emptyCpuMs.toFixed(0)} ms.`,
    );
  }
  return `${parts.join("\n\n")}\n`;
}

function save(file: string, content: object): void {
  mkdirSync(dirname(file), { recursive: true });
  const date = new Date().toISOString();
  writeFileSync(file, toRoundedJson({ date, machine: describeMachine(), ...content }));
}
