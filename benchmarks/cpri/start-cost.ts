// What it costs to preload crosswire/register: the processor time of a process that does nothing else, with and
// without it, in turns.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface StartCost {
  /** Medians, of wall time and of processor time. */
  readonly emptyMs: number;
  readonly registerMs: number;
  readonly emptyCpuMs: number;
  readonly registerCpuMs: number;
}

const SCRIPT = "const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)";

/** Of the package as it was built last: in how many files it comes is a part of what it costs. */
export function measureStart(rounds: number, node: string): StartCost {
  const register = new URL("../../dist/cpri/register.js", import.meta.url).href;
  const runs = Array.from({ length: rounds }, (_, round) => {
    const pair = [(): Run => start(node, []), (): Run => start(node, [`--import=${register}`])];
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    const results: Run[] = [];
    for (const i of order) results[i] = (pair[i] as () => Run)();
    return results as [Run, Run];
  });
  const medianOf = (pick: (run: [Run, Run]) => number): number => {
    const sorted = runs.map(pick).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return {
    emptyMs: medianOf(([empty]) => empty.ms),
    registerMs: medianOf(([, register_]) => register_.ms),
    emptyCpuMs: medianOf(([empty]) => empty.cpuMs),
    registerCpuMs: medianOf(([, register_]) => register_.cpuMs),
  };
}

interface Run {
  readonly ms: number;
  readonly cpuMs: number;
}

function start(node: string, args: readonly string[]): Run {
  const startedAt = performance.now();
  const { stdout, status } = spawnSync(node, [...args, "--eval", SCRIPT], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${fileURLToPath(import.meta.url)}: the process failed.`);
  return { ms: performance.now() - startedAt, cpuMs: Number(stdout) };
}
