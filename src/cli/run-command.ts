// `crosswire run`: starts a command, and whatever it starts, so that tests can answer for what these processes send.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { groupName } from "../discovery/group.ts";
import { isSet, numberOf, readArguments, textOf, UsageError } from "./arguments.ts";

const HELP = `crosswire run [options] [--] <command> [arguments]

Starts a command with crosswire/register in every Node process of it. Receivers of the same name
(setupRemoteServer() in a test) are then asked about what these processes send.

  --name <name>              meet only receivers of this name; without it those of the same workspace
  --when-unattached <what>   what becomes of requests while no receiver is there: passthrough or error
  --hold <ms>                how long a request waits for the test whose context it carries; 1000
  --decision-timeout <ms>    how long a handler may take, such as one at a breakpoint; 30000
  --forward-context <where>  origins that a context goes along to, separated by commas; this machine
  --force                    also under NODE_ENV=production
  -h, --help                 print this
`;

const OPTIONS = {
  name: { type: "string" },
  "when-unattached": { type: "string" },
  hold: { type: "string" },
  "decision-timeout": { type: "string" },
  "forward-context": { type: "string" },
  force: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** To be passed on: a shell or a supervisor tells only this process. */
const FORWARDED = ["SIGTERM", "SIGHUP", "SIGINT"] as const;
const SIGNAL_EXIT_BASE = 128;

export async function runCommand(args: readonly string[]): Promise<void> {
  const [own, command] = split(args);
  const given = readArguments(own, OPTIONS);
  if (isSet(given, "help")) return void process.stdout.write(HELP);
  const [program, ...rest] = command;
  if (program === undefined) {
    throw new UsageError("crosswire run needs a command: crosswire run -- npm start");
  }
  const whenUnattached = textOf(given, "when-unattached");
  if (whenUnattached !== undefined && !["passthrough", "error"].includes(whenUnattached)) {
    throw new UsageError(
      `--when-unattached is passthrough or error, not ${JSON.stringify(whenUnattached)}.`,
    );
  }
  const decisionTimeoutMs = numberOf(given, "decision-timeout");
  if (decisionTimeoutMs === 0) {
    throw new UsageError("--decision-timeout is 1 or more: with 0 nothing could be decided.");
  }
  const settings = {
    CROSSWIRE_NAME: textOf(given, "name") ?? groupName(),
    CROSSWIRE_WHEN_UNATTACHED: whenUnattached,
    CROSSWIRE_HOLD_MS: numberOf(given, "hold"),
    CROSSWIRE_DECISION_TIMEOUT_MS: decisionTimeoutMs,
    CROSSWIRE_FORWARD_CONTEXT_TO: textOf(given, "forward-context"),
    CROSSWIRE_FORCE: isSet(given, "force") ? "1" : undefined,
  };
  const set = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(set),
    NODE_OPTIONS: nodeOptions(),
  };
  process.exitCode = await run(program, rest, env);
}

/** Ours, up to the first word that is no option, or up to `--`; and the command. */
function split(args: readonly string[]): readonly [readonly string[], readonly string[]] {
  const { tokens } = parseArgs({
    args: [...args],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const end = tokens.find(({ kind }) => kind !== "option");
  if (end === undefined) return [args, []];
  const start = end.kind === "option-terminator" ? end.index + 1 : end.index;
  return [args.slice(0, end.index), args.slice(start)];
}

/** Inherited by all processes below. A URL: spaces in a path would end the option. */
function nodeOptions(): string {
  const here = import.meta.url;
  const register = new URL(`../cpri/register${extname(fileURLToPath(here))}`, here).href;
  const { NODE_OPTIONS: before = "" } = process.env;
  return before.includes(register) ? before : `${before} --import=${register}`.trim();
}

/** Resolves to the exit code that a shell would give it. */
function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // npm and its like are scripts on Windows, which only a shell can start.
  const shell = process.platform === "win32";
  const child = spawn(program, args, { stdio: "inherit", env, shell });
  const forward = (signal: NodeJS.Signals): void => {
    // A terminal has told the child itself.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new UsageError(`${program} cannot be started: ${error.message}.`));
    });
    child.once("exit", (code, signal) => {
      for (const name of FORWARDED) process.off(name, forward);
      resolve(code ?? SIGNAL_EXIT_BASE + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
