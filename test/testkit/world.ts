// Runners for tests, closed when the test is over, and a look at which processes are alive.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createRunner, type Runner, type RunnerOptions } from "crosswire/testkit";
import { onTestFinished } from "vitest";

/** Uses runWorker(), imported from the built package. */
export const WORKER: URL = new URL("workers/worker.mjs", import.meta.url);
/** Knows nothing of a runner. */
export const PLAIN: URL = new URL("workers/plain.cjs", import.meta.url);
/** What PLAIN writes when it is up. */
export const IS_UP: RegExp = /listening on \d+$/;

export async function openRunner(options: RunnerOptions = {}): Promise<Runner> {
  const runner = await createRunner({ output: "ignore", ...options });
  onTestFinished(() => runner.close({ graceMs: 0 }));
  return runner;
}

/** A process that must not outlive the test, whatever comes of it. */
export function endAfterTest(pid: number): void {
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  });
}

/** A file that the test's workers write to, and what is in it. */
export function openLog(): { readonly file: string; read(): string[] } {
  const directory = mkdtempSync(join(String(process.env["CROSSWIRE_RUNTIME_DIR"]), "log-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "notes.log");
  return { file, read: () => readFileSync(file, "utf8").trimEnd().split("\n") };
}

/** Whether a process is alive. One that has ended but was not collected yet is not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    const [, state] = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return state !== "Z" && state !== "X";
  } catch {
    // Not Linux, or gone meanwhile.
    return process.platform !== "linux";
  }
}
