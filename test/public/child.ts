// Runs a script of children/ in a process of its own, against the same build of the package as the test that asks.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished, TestRunner } from "vitest";
import { within } from "../fixtures/wait.ts";

export interface Child {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves with the exit code when it ended by itself. */
  readonly ended: Promise<number | null>;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export function startChild(
  script: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Child {
  const file = fileURLToPath(new URL(`children/${script}`, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, TSX_TSCONFIG_PATH: tsconfig() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  const ended = closed.then(([code]) => code as number | null);
  return { process: child, output, ended: within(ended, `${script} to end by itself`, 15_000) };
}

/** With the paths of tsconfig.json `crosswire` means the sources; without them, what was built. */
function tsconfig(): string {
  const project = TestRunner.getCurrentTest()?.file.projectName;
  return project === "dist" ? "tsconfig.dist.json" : "tsconfig.json";
}
