// One peer while it runs: where it listens, and what its process has cost so far.

import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { forkEntry, nextMessage, type Setting, stop } from "../children.ts";
import { startNative } from "./native.ts";
import type { PeerEntry } from "./peer-list.ts";
import type { Announcement } from "./proxy-process.ts";

const ANSWER_TIMEOUT_MS = 30_000;

// USER_HZ, which Linux has fixed for everything that it shows in /proc.
const MICROS_PER_TICK = 10_000;

export class RunningPeer {
  readonly entry: PeerEntry;
  readonly port: number;
  #child: ChildProcess | undefined;

  constructor(entry: PeerEntry, port: number, child?: ChildProcess) {
    this.entry = entry;
    this.port = port;
    this.#child = child;
  }

  /** User and system time of the process; 0 for the floor, which has none. */
  async cpuMicros(): Promise<number> {
    if (this.#child === undefined) return 0;
    if (this.entry.role === "server") return ticksOf(this.#child) * MICROS_PER_TICK;
    const answer = nextMessage<number>(this.#child, ANSWER_TIMEOUT_MS);
    if (this.#child.connected) this.#child.send("cpu");
    return answer;
  }

  /** What the process holds, and the most that it ever held. Undefined where there is no /proc. */
  memory(): { kilobytes: number; peakKilobytes: number } | undefined {
    const text = this.#child && procFile(this.#child, "status");
    const [, peak] = /VmHWM:\s+(\d+) kB/.exec(text ?? "") ?? [];
    const [, now] = /VmRSS:\s+(\d+) kB/.exec(text ?? "") ?? [];
    if (peak === undefined || now === undefined) return undefined;
    return { kilobytes: Number(now), peakKilobytes: Number(peak) };
  }

  stop(): void {
    if (this.#child !== undefined) stop(this.#child);
  }
}

/** Rejects when the peer cannot run here. */
export async function startPeer(
  entry: PeerEntry,
  originPort: number,
  setting: Setting,
): Promise<RunningPeer> {
  if (entry.role === "floor") return new RunningPeer(entry, originPort);
  if (entry.role === "server") {
    const { child, port } = await startNative(entry.command, originPort);
    return new RunningPeer(entry, port, child);
  }
  const origin = `http://127.0.0.1:${originPort}`;
  const { child, port } = await startProcess(setting, "proxy-process", [entry.name, origin]);
  return new RunningPeer(entry, port, child);
}

/** A process that announces its port as its first message. */
export async function startProcess(
  setting: Setting,
  file: string,
  args: string[],
): Promise<{ child: ChildProcess; port: number }> {
  const child = forkEntry(setting, `proxy/${file}`, args);
  const announcement = await nextMessage<Announcement>(child, ANSWER_TIMEOUT_MS);
  if ("port" in announcement) return { child, port: announcement.port };
  stop(child);
  throw new Error(announcement.error);
}

function ticksOf(child: ChildProcess): number {
  // The name of the process comes second and may hold anything, up to the last parenthesis.
  const [, fields = ""] = /.*\) (.*)/.exec(procFile(child, "stat") ?? "") ?? [];
  const [user, system] = fields.split(" ").slice(11, 13).map(Number);
  return (user ?? Number.NaN) + (system ?? Number.NaN);
}

function procFile({ pid }: ChildProcess, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return undefined;
  }
}
