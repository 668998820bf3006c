// Launches a worker, as a process or as a thread, and tells how it ended. Knows nothing of what it says.

import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { HAS_GROUPS, signalGroup } from "./process-group.ts";
import type { LaunchPlan } from "./start-options.ts";
import type { Warden } from "./warden.ts";
import { settlesWithin } from "../node/bounded-wait.ts";

/** How a worker ended. A thread that is killed counts as ended by the signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Ended extends Exit {
  /** What is known beside it: why it could not be started, or what a thread threw. */
  readonly reason?: string;
}

export interface Launched {
  readonly pid: number | undefined;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when it and all it had started is gone, and its output was read. Never rejects. */
  readonly ended: Promise<Ended>;
  signal(signal: NodeJS.Signals): void;
  /** The same to all that it has started. */
  signalAll(signal: NodeJS.Signals): void;
}

/** What left the group of a worker may hold its pipes open for longer than that. */
const LAST_OUTPUT_MS = 500;

export function launch(plan: LaunchPlan, warden: Warden): Launched {
  return plan.kind === "process" ? launchProcess(plan, warden) : launchThread(plan);
}

function launchProcess(plan: LaunchPlan, warden: Warden): Launched {
  const { file, args, execArgv, env, cwd } = plan;
  const child = spawn(process.execPath, [...execArgv, file, ...args], {
    env,
    cwd,
    // A group of its own, so that what the worker starts can be ended with it.
    detached: HAS_GROUPS,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid, stdout, stderr } = child;
  if (pid !== undefined) warden.watch(pid);
  const exited = new Promise<Ended>((resolve) => {
    child.on("error", (error) => {
      if (pid === undefined) resolve({ code: null, signal: null, reason: error.message });
    });
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  const ended = exited.then(async (exit) => {
    if (pid !== undefined) {
      // At once, before anybody else can get this number. (Windows gives it away sooner.)
      if (HAS_GROUPS) signalGroup(pid, "SIGKILL");
      warden.forget(pid);
    }
    await readToEnd(stdout, stderr);
    return exit;
  });
  return {
    pid,
    stdout,
    stderr,
    ended,
    signal: (signal) => void child.kill(signal),
    signalAll: (signal) => {
      if (pid !== undefined && child.exitCode === null && child.signalCode === null)
        signalGroup(pid, signal);
    },
  };
}

function launchThread(plan: LaunchPlan): Launched {
  const { runtimeId, file, program, args, execArgv, env } = plan;
  const thread = new Worker(program ?? pathToFileURL(file), {
    name: runtimeId,
    eval: program !== undefined,
    argv: [...args],
    execArgv: [...execArgv],
    env,
    stdout: true,
    stderr: true,
  });
  const { stdout, stderr } = thread;
  let killedBy: NodeJS.Signals | undefined;
  let reason: string | undefined;
  thread.once("error", (error: unknown) => {
    reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  });
  const ended = new Promise<Ended>((resolve) => {
    thread.once("exit", (code) => {
      const exit =
        killedBy === undefined ? { code, signal: null } : { code: null, signal: killedBy };
      void readToEnd(stdout, stderr).then(() =>
        resolve(reason === undefined ? exit : { ...exit, reason }),
      );
    });
  });
  const kill = (signal: NodeJS.Signals): void => {
    killedBy ??= signal;
    void thread.terminate();
  };
  return { pid: undefined, stdout, stderr, ended, signal: kill, signalAll: kill };
}

async function readToEnd(...streams: Readable[]): Promise<void> {
  const all = Promise.all(streams.map((stream) => finished(stream).catch(() => {})));
  await settlesWithin(all, LAST_OUTPUT_MS);
  for (const stream of streams) stream.destroy();
}
