// Runs a script of children/ in a process of its own, against the same build of the package as the test that asks.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { inject, onTestFinished, TestRunner } from "vitest";
import { within } from "../fixtures/wait.ts";

export interface Child {
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Resolves with the exit code when it ended by itself. */
  readonly ended: Promise<number | null>;
}

export function startChild(
  script: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Child {
  const file = join(compiled(), "test/public/children", script.replace(/\.ts$/, ".js"));
  const child = spawn(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
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

/** Where `crosswire` means to the scripts what it means to the test that asks. */
function compiled(): string {
  const { src, dist } = inject("compiled");
  return TestRunner.getCurrentTest()?.file.projectName === "dist" ? dist : src;
}
