// HTTP load from outside: wrk where it is installed, else autocannon. Both close the loop per connection.

import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { HttpRow } from "./rows.ts";

const WRK = "wrk";
const AUTOCANNON = fileURLToPath(
  new URL("../../node_modules/autocannon/autocannon.js", import.meta.url),
);

const run = promisify(execFile);

export interface HttpLoad {
  name: "wrk" | "autocannon";
  close(): void;
  run(port: number, row: HttpRow, seconds: number): Promise<LoadResult>;
}

export interface LoadResult {
  operations: number;
  seconds: number;
  p50Micros: number;
  p99Micros: number;
}

/** What both tools are made to report. */
interface Tally extends LoadResult {
  failures: number;
}

/** `node` is what autocannon runs with. */
export function chooseLoad(node: string): HttpLoad {
  const folder = mkdtempSync(join(tmpdir(), "crosswire-benchmark-"));
  const hasWrk = spawnSync(WRK, ["-v"]).error === undefined;
  const measure = hasWrk ? runWrk : runAutocannon;
  return {
    name: hasWrk ? "wrk" : "autocannon",
    close: () => rmSync(folder, { recursive: true, force: true }),
    run: async (port, row, seconds) => {
      const { failures, ...result } = await measure({ node, folder, port, row, seconds });
      if (failures > 0) throw new Error(`${failures} of ${result.operations} requests failed.`);
      if (result.operations === 0) throw new Error("No request was answered.");
      return result;
    },
  };
}

interface Task {
  node: string;
  folder: string;
  port: number;
  row: HttpRow;
  seconds: number;
}

// wrk counts an error on reading also when a connection is closed properly, as http-proxy does, and
// a timeout also for a late answer, as any proxy gives on a machine that stands still for 2 s.
const WRK_REPORT = `
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('\\n{"operations":%d,"seconds":%f,"p50Micros":%d,"p99Micros":%d,"failures":%d}\\n',
    summary.requests, summary.duration / 1000000, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.status))
end
`;

async function runWrk({ folder, port, row, seconds }: Task): Promise<Tally> {
  const script = join(folder, `${row.name}.lua`);
  const { bodyBytes = 0 } = row;
  const body = `wrk.method = "POST"; wrk.body = string.rep("x", ${bodyBytes})\n`;
  const type = `wrk.headers["Content-Type"] = "application/octet-stream"\n`;
  writeFileSync(script, `${bodyBytes > 0 ? body + type : ""}${WRK_REPORT}`);
  const options = ["-t1", `-c${row.connections}`, `-d${seconds}s`, "-s", script];
  const { stdout } = await run(WRK, [...options, `http://127.0.0.1:${port}${row.path}`]);
  const json = stdout.trim().split("\n").at(-1) ?? "";
  return JSON.parse(json) as Tally;
}

interface AutocannonReport {
  requests: { total: number };
  latency: { p50: number; p99: number };
  duration: number;
  non2xx: number;
  errors: number;
}

async function runAutocannon({ node, folder, port, row, seconds }: Task): Promise<Tally> {
  const { connections, bodyBytes = 0 } = row;
  const options = ["--json", "--connections", String(connections), "--duration", String(seconds)];
  if (bodyBytes > 0) {
    const body = join(folder, `${row.name}.body`);
    writeFileSync(body, "x".repeat(bodyBytes));
    options.push("--method", "POST", "--input", body);
    options.push("--headers", "Content-Type=application/octet-stream");
  }
  const { stdout } = await run(node, [
    AUTOCANNON,
    ...options,
    `http://127.0.0.1:${port}${row.path}`,
  ]);
  const { requests, latency, duration, non2xx, errors } = JSON.parse(stdout) as AutocannonReport;
  return {
    operations: requests.total,
    seconds: duration,
    p50Micros: latency.p50 * 1000,
    p99Micros: latency.p99 * 1000,
    failures: non2xx + errors,
  };
}
