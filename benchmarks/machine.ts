// Says on what a benchmark ran. Names no host and no path.

import { readFileSync } from "node:fs";
import { cpus, loadavg, platform, totalmem } from "node:os";

export interface Machine {
  cpu: string;
  cores: number;
  memoryGB: number;
  system: string;
  node: string;
  /** One minute average when the report is written; the benchmark itself is part of it. */
  load: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGB: Math.round(totalmem() / 1024 ** 3),
    system: platform(),
    node: process.version,
    load: loadavg()[0] ?? Number.NaN,
  };
}

/** Versions of the packages that are installed; the others are left out. */
export function installedVersions(packages: Iterable<string>): Record<string, string> {
  const versions: Record<string, string> = {};
  for (const name of packages) {
    const version = installedVersion(name);
    if (version !== undefined) versions[name] = version;
  }
  return versions;
}

function installedVersion(name: string): string | undefined {
  try {
    const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
  } catch {
    return undefined;
  }
}
