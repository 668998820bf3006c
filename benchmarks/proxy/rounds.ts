// Visits every peer in turn, row by row and round by round. Knows no ratios and no files.

import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Rounds } from "../rpc/rounds.ts";
import type { Segment } from "../rpc/segment.ts";
import { type Setting, stop } from "../children.ts";
import { type Check, checkOf, passGate } from "./gate.ts";
import type { HttpLoad, LoadResult } from "./http-load.ts";
import { measureGrowth } from "./memory.ts";
import { FLOOR, type PeerEntry } from "./peer-list.ts";
import type { HttpRow, MemoryRow, Row, SocketRow, StartRow } from "./rows.ts";
import { type RunningPeer, startPeer, startProcess } from "./running-peer.ts";
import { SocketLoad } from "./socket-load.ts";
import { BARE, STARTERS, timeStart } from "./start.ts";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));

/** As long as so many segments: a server runs for days, and its code is compiled within seconds. */
const WARM_UP = 4;

/**
 * A peer stood idle while the others had their turns: its pool has run dry and its code has cooled
 * down. So it works for a second before anybody looks.
 */
const LEAD_IN_SECONDS = 1;

export interface Plan {
  peers: readonly PeerEntry[];
  rows: readonly Row[];
  rounds: number;
  seconds: number;
  load: HttpLoad;
  setting: Setting;
  progress: (text: string) => void;
}

export interface Measurement {
  /** By row name, then by peer name. */
  rounds: Map<string, Map<string, Rounds>>;
  /** Why a peer does not run here. */
  absent: Map<string, string>;
  /** By row name, then by peer name: why a peer is out of this row. */
  failed: Map<string, Map<string, string>>;
}

export async function measureRounds(plan: Plan): Promise<Measurement> {
  const run = new Run(plan);
  try {
    await run.start();
    for (const row of plan.rows) await run.measureRow(row);
    return run.measurement;
  } finally {
    run.stop();
  }
}

class Run {
  readonly measurement: Measurement = {
    rounds: new Map(),
    absent: new Map(),
    failed: new Map(),
  };
  #plan: Plan;
  #originPort = 0;
  #peers: RunningPeer[] = [];
  #origin: ChildProcess | undefined;
  #socketLoad: SocketLoad;
  /** By peer name: rows that stand on the same check share it. */
  #checks = new Map<string, Map<Check, Promise<void>>>();

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#socketLoad = new SocketLoad(plan.setting);
  }

  async start(): Promise<void> {
    const { setting, peers, progress } = this.#plan;
    const { child, port } = await startProcess(setting, "origin-process", []);
    this.#origin = child;
    this.#originPort = port;
    for (const entry of peers) {
      progress(`start ${entry.name}`);
      try {
        this.#peers.push(await startPeer(entry, port, setting));
      } catch (error) {
        this.measurement.absent.set(entry.name, reasonOf(error));
      }
    }
  }

  stop(): void {
    for (const peer of this.#peers) peer.stop();
    this.#socketLoad.stop();
    if (this.#origin !== undefined) stop(this.#origin);
  }

  async measureRow(row: Row): Promise<void> {
    const cells = new Map<string, Rounds>();
    this.measurement.rounds.set(row.name, cells);
    this.measurement.failed.set(row.name, new Map());
    if (row.kind === "start") return this.#measureStarts(row, cells);
    const peers = this.#peers.filter(({ entry }) => takesPart(entry, row));
    for (const { entry } of peers) cells.set(entry.name, []);
    for (const peer of peers) {
      await this.#try(row, peer.entry.name, async () => this.#check(row, peer));
    }
    if (row.kind === "memory") return this.#measureMemory(row, peers, cells);
    for (let round = 0; round <= this.#roundsOf(row); round += 1) {
      for (const peer of rotated(peers, round)) {
        const { name } = peer.entry;
        this.#plan.progress(`${row.name} ${round === 0 ? "warm-up" : `round ${round}`} ${name}`);
        const lengthen = round === 0 ? WARM_UP : 1;
        const segment = await this.#try(row, name, async () => this.#measure(row, peer, lengthen));
        if (round > 0) cells.get(name)?.push(segment);
      }
    }
  }

  #roundsOf({ visitsPerRound = 1 }: Row): number {
    return this.#plan.rounds * visitsPerRound;
  }

  async #check(row: Row, { entry, port }: RunningPeer): Promise<void> {
    const checks = this.#checks.get(entry.name) ?? new Map<Check, Promise<void>>();
    this.#checks.set(entry.name, checks);
    const check = checkOf(row);
    const passed = checks.get(check) ?? passGate(check, port);
    checks.set(check, passed);
    await passed;
  }

  /** Once each, and in a new process, because what earlier rows left behind would hide growth. */
  async #measureMemory(
    row: MemoryRow,
    peers: readonly RunningPeer[],
    cells: Map<string, Rounds>,
  ): Promise<void> {
    for (const peer of peers) {
      if (peer.entry.name === FLOOR) continue;
      this.#plan.progress(`${row.name} ${peer.entry.name}`);
      const segment = await this.#try(row, peer.entry.name, async () => {
        const fresh = await startPeer(peer.entry, this.#originPort, this.#plan.setting);
        try {
          const kilobytes = await measureGrowth(fresh, row);
          return kilobytes === undefined ? undefined : { rate: 0, cpuMicros: 0, kilobytes };
        } finally {
          fresh.stop();
        }
      });
      cells.get(peer.entry.name)?.push(segment);
    }
  }

  /** A new process each time; the first one of each only warms the file cache. */
  async #measureStarts(row: StartRow, cells: Map<string, Rounds>): Promise<void> {
    const { peers, setting, progress } = this.#plan;
    const names = new Set([BARE, ...peers.map((peer) => peer.name)]);
    const starters = STARTERS.filter(({ name }) => names.has(name));
    for (const { name } of starters) cells.set(name, []);
    for (let round = 0; round <= this.#roundsOf(row); round += 1) {
      for (const starter of rotated(starters, round)) {
        progress(`${row.name} ${round} ${starter.name}`);
        const time = async (): Promise<number> => timeStart(starter, this.#originPort, setting);
        const millis = await this.#try(row, starter.name, time);
        if (round > 0)
          cells.get(starter.name)?.push(millis === undefined ? undefined : startOf(millis));
      }
    }
  }

  async #measure(row: HttpRow | SocketRow, peer: RunningPeer, lengthen: number): Promise<Segment> {
    const { load } = this.#plan;
    const seconds = this.#plan.seconds * lengthen;
    if (row.kind === "socket") return this.#measureSockets(row, peer);
    await load.run(peer.port, row, LEAD_IN_SECONDS);
    const before = await peer.cpuMicros();
    const result = await load.run(peer.port, row, seconds);
    return segmentOf(result, (await peer.cpuMicros()) - before);
  }

  async #measureSockets(row: SocketRow, peer: RunningPeer): Promise<Segment> {
    await this.#socketLoad.open(peer.port);
    const before = await peer.cpuMicros();
    const result = await this.#socketLoad.run(row.inFlight, this.#plan.seconds / 2);
    const segment = segmentOf(result, (await peer.cpuMicros()) - before);
    await this.#socketLoad.close();
    return row.showsLatency ? { ...segment, rate: 1e6 / result.p50Micros } : segment;
  }

  /** A peer that failed once is out of this row, and of this row only. */
  async #try<T>(row: Row, name: string, what: () => Promise<T>): Promise<T | undefined> {
    const failed = this.measurement.failed.get(row.name);
    if (failed?.has(name) === true) return undefined;
    try {
      return await what();
    } catch (error) {
      failed?.set(name, reasonOf(error));
      if (name !== FLOOR) return undefined;
      throw new Error("The target itself failed; there is nothing to compare with.", {
        cause: error,
      });
    }
  }
}

function takesPart({ onlyIn, passesWebSockets }: PeerEntry, row: Row): boolean {
  if (onlyIn !== undefined) return onlyIn === row.name;
  if (row.kind === "http" && row.hasOwnPeers === true) return false;
  return row.kind !== "socket" || passesWebSockets === true;
}

function startOf(millis: number): Segment {
  return { rate: 1000 / millis, cpuMicros: 0, p50Micros: millis * 1000 };
}

function segmentOf(
  { operations, seconds, p50Micros, p99Micros }: LoadResult,
  cpuMicros: number,
): Segment {
  return { rate: operations / seconds, cpuMicros: cpuMicros / operations, p50Micros, p99Micros };
}

// Results are published, so they say nothing about where the repository lies.
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(REPOSITORY, "").split("\n")[0] ?? "";
}

// Another peer goes first in each round, so that a slow start of the round hits all alike.
function rotated<T>(list: readonly T[], by: number): T[] {
  const start = by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
