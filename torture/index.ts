// `npm run torture [scenario …]`: everything that discovery promises, at full size. About a quarter of an hour; exits with
// 1 when a promise was broken. A missed speed is printed and is no failure: the machine may be busy.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { churn } from "./churn.ts";
import { type Figure, toTable } from "./figures.ts";
import { startHerd } from "./herd.ts";
import { killLeaders } from "./kill-leaders.ts";
import { leaveGracefully } from "./leave-gracefully.ts";
import { stopLeader } from "./stop-leader.ts";

const PORT = 24_700;

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
};

const SCENARIOS: Readonly<Record<string, () => Promise<Figure[]>>> = {
  kill: () => killLeaders({ port: PORT, processes: 20, kills: 500, isCalm: true, progress }),
  leave: () => leaveGracefully({ port: PORT, leaves: 20, pauseMs: 1_500, progress }),
  stop: () => stopLeader({ port: PORT, stoppedMs: 10_000, progress }),
  herd: () => startHerd({ port: PORT, processes: 50 }),
  churn: () => churn({ services: 1_000, watchers: 200, changes: 20_000, progress }),
};

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SCENARIOS);
const directory = mkdtempSync(join(tmpdir(), "crosswire-torture-"));
process.env["CROSSWIRE_RUNTIME_DIR"] = directory;
try {
  const figures: Figure[] = [];
  for (const name of names) {
    const scenario = SCENARIOS[name];
    if (scenario === undefined)
      throw new TypeError(
        `There is no scenario "${name}"; there are ${Object.keys(SCENARIOS).join(", ")}.`,
      );
    figures.push(...(await scenario()));
    progress("");
  }
  process.stdout.write(`${toTable(figures)}\n`);
  const broken = figures.filter(({ kind, isMet }) => kind === "promise" && !isMet);
  process.exitCode = broken.length > 0 ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
