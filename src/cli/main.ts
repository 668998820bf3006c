#!/usr/bin/env node
// The command `crosswire`: finds the command that was asked for, and turns what goes wrong into a line and an exit code.

import { readFileSync } from "node:fs";
import { isCrosswireError } from "../errors.ts";
import { UsageError } from "./arguments.ts";
import { proxyCommand } from "./proxy-command.ts";
import { routesCommand } from "./routes-command.ts";
import { runCommand } from "./run-command.ts";

const HELP = `crosswire: one process talks to, watches, and answers for another.

  crosswire run -- <command>               run a command so that tests answer for what it sends
  crosswire proxy [microfrontends.json]    run the reverse proxy
  crosswire routes [microfrontends.json]   list the routes
  crosswire routes explain <path>          tell which rule wins a path, and why the others lose
  crosswire <command> --help               tell the options of a command
  crosswire --version
`;

const FAILED = 1;
const MISUSED = 2;

const COMMANDS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  proxy: proxyCommand,
  routes: routesCommand,
  run: runCommand,
};

async function run([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(HELP);
    return;
  }
  if (name === "--version" || name === "-v") {
    process.stdout.write(`${version()}\n`);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const known = Object.keys(COMMANDS).join(", ");
    throw new UsageError(`There is no command ${JSON.stringify(name)}; there are ${known}.`);
  }
  await command(args);
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** What users can do something about is told in a line; the rest is a bug of ours and keeps its stack. */
function fail(error: unknown): void {
  const isExpected =
    error instanceof UsageError || error instanceof TypeError || isCrosswireError(error);
  const { message, stack = message } = error as Error;
  process.stderr.write(`${isExpected ? `crosswire: ${message}` : stack}\n`);
  process.exitCode = error instanceof UsageError ? MISUSED : FAILED;
}

/** Whoever read the output has left, `| head` for example. A proxy goes on without its log. */
function endure(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", endure);
run(process.argv.slice(2)).catch(fail);
