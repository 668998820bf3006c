// What a runner is told when it starts a worker, checked, and made into what is needed to launch it.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assertPositive } from "../limits.ts";
import type { WorkerOutput } from "./output-lines.ts";
import { loaderArguments, needsLoader, threadProgram } from "./typescript-loader.ts";

/** Variables of the environment; undefined removes one. */
export type WorkerEnvironment = Readonly<Record<string, string | undefined>>;

export interface StartOptions {
  /** The name by which it is addressed, free again when the worker has ended. */
  readonly runtimeId: string;
  /** A path, relative to `cwd`, or a file URL: `new URL("./users.ts", import.meta.url)`. */
  readonly script: string | URL;
  /** "process" unless given. A thread starts faster, but shares pid, working directory and memory limit with the runner. */
  readonly kind?: "process" | "thread";
  readonly args?: readonly string[];
  /** Laid over the environment of the runner. */
  readonly env?: WorkerEnvironment;
  /** Arguments of Node: `["--inspect"]`. */
  readonly execArgv?: readonly string[];
  /** Working directory of a process. */
  readonly cwd?: string;
  /** For programs without runWorker(): ready is who writes a line that matches. */
  readonly ready?: RegExp;
  /** Instead of the runner's. */
  readonly readyTimeoutMs?: number;
  /** Instead of the runner's. */
  readonly output?: WorkerOutput;
}

/** What launching takes. */
export interface LaunchPlan {
  readonly runtimeId: string;
  readonly kind: "process" | "thread";
  readonly file: string;
  /** What a thread runs to load a file that Node does not load by itself. */
  readonly program: string | undefined;
  readonly args: readonly string[];
  readonly execArgv: readonly string[];
  readonly env: Record<string, string>;
  readonly cwd: string;
}

const MAX_RUNTIME_ID_LENGTH = 256;

/** Throws TypeError for what can only be a mistake. */
export function planOf(
  options: StartOptions,
  runnerEnvironment: WorkerEnvironment = {},
): LaunchPlan {
  const { runtimeId, kind = "process", cwd = process.cwd() } = options;
  assertOptions(options);
  const file = fileOf(options.script, cwd);
  const execArgv = options.execArgv ?? [];
  const isLoaded = needsLoader(file, execArgv);
  return {
    runtimeId,
    kind,
    file,
    args: options.args ?? [],
    execArgv:
      isLoaded && kind === "process" ? [...loaderArguments(file, cwd), ...execArgv] : execArgv,
    program: isLoaded && kind === "thread" ? threadProgram(file, cwd) : undefined,
    env: definedOnly({ ...process.env, ...runnerEnvironment, ...options.env }),
    cwd,
  };
}

export function assertOutput(output: unknown): void {
  if (output === undefined || output === "prefixed" || output === "ignore") return;
  if (typeof output === "function") return;
  throw new TypeError(
    `output is ${JSON.stringify(output)}; it can be "prefixed", "ignore", or a function that gets each line.`,
  );
}

function assertOptions({
  runtimeId,
  kind,
  cwd,
  ready,
  readyTimeoutMs,
  output,
}: StartOptions): void {
  if (typeof runtimeId !== "string" || !isUsableId(runtimeId)) {
    throw new TypeError(
      `${JSON.stringify(runtimeId)} cannot be a runtimeId; use a text of 1 to ${MAX_RUNTIME_ID_LENGTH} characters without control characters.`,
    );
  }
  const where = `of worker ${JSON.stringify(runtimeId)}`;
  if (kind !== undefined && kind !== "process" && kind !== "thread")
    throw new TypeError(`kind ${where} is ${String(kind)}; there are "process" and "thread".`);
  if (kind === "thread" && cwd !== undefined)
    throw new TypeError(
      `cwd ${where}: a thread has the working directory of its process; leave it out.`,
    );
  if (ready !== undefined && !(ready instanceof RegExp))
    throw new TypeError(`ready ${where} must be a regular expression for a line of its output.`);
  if (readyTimeoutMs !== undefined) assertPositive(`readyTimeoutMs ${where}`, readyTimeoutMs);
  assertOutput(output);
}

function isUsableId(runtimeId: string): boolean {
  return (
    runtimeId !== "" && runtimeId.length <= MAX_RUNTIME_ID_LENGTH && !/\p{Cc}/u.test(runtimeId)
  );
}

function fileOf(script: string | URL, cwd: string): string {
  const isUrl = script instanceof URL || script.startsWith("file:");
  const file = isUrl ? fileURLToPath(script) : resolve(cwd, script);
  if (existsSync(file)) return file;
  throw new TypeError(
    `There is no script ${file}. A path counts from the working directory; new URL("./worker.ts", import.meta.url) counts from the file it stands in.`,
  );
}

function definedOnly(env: WorkerEnvironment): Record<string, string> {
  const set = Object.entries(env).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as Record<string, string>;
}
