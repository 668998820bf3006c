// The command `crosswire` as a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { type Inbox, inbox, within } from "../fixtures/wait.ts";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly process: ChildProcess;
  /** Lines of its stdout. */
  readonly lines: Inbox<string>;
  readonly stderr: () => string;
  /** Resolves when it ended. */
  readonly finished: Promise<Finished>;
}

/** It is killed at the end of the test. */
export function startCommand(args: readonly string[], options: CommandOptions = {}): Command {
  const child = spawn(process.execPath, [program(), ...args], {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = inbox<string>("a line of crosswire");
  createInterface({ input: child.stdout }).on("line", (line) => lines.put(line));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const closed = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  const finished = closed.then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    process: child,
    lines,
    stderr: () => stderr,
    finished: within(finished, `crosswire ${args.join(" ")} to end`, 18_000),
  };
}

/** For commands that end by themselves. */
export function runCommand(args: readonly string[], options?: CommandOptions): Promise<Finished> {
  return startCommand(args, options).finished;
}

export interface RunningProxy extends Command {
  readonly url: string;
  readonly port: number;
  /** What it said before it listened, and where. */
  readonly banner: readonly string[];
}

/** `crosswire proxy` on any free port; resolves when it listens and has said what it serves. */
export async function startProxy(
  args: readonly string[],
  options: CommandOptions = {},
  bannerLines = 2,
): Promise<RunningProxy> {
  const command = startCommand(["proxy", "--port", "0", ...args], options);
  command.finished.catch(() => {});
  const banner: string[] = [];
  while (banner.length < bannerLines) {
    const ended = command.finished.then(({ stderr }) => {
      throw new Error(`crosswire proxy ended: ${stderr}`);
    });
    banner.push(await Promise.race([command.lines.next(), ended]));
  }
  const port = Number(/http:\/\/localhost:(\d+)/.exec(banner[0] ?? "")?.[1]);
  return { ...command, url: `http://127.0.0.1:${port}`, port, banner };
}

/** As `npm test` has built it: from the sources it would take two seconds to start. */
function program(): string {
  const { bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly bin: { readonly crosswire: string };
  };
  const built = join(ROOT, bin.crosswire);
  if (existsSync(built)) return built;
  throw new Error(`There is no ${bin.crosswire}; run npm run build first.`);
}
