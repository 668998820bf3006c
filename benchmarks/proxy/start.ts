// Times the start of a command: from the start of its process to its first answer, seen from outside.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { hasEnded, type Setting } from "../children.ts";
import { freePort } from "./free-port.ts";
import { OURS } from "./peer-list.ts";

/** A node:http server and nothing else. */
export const BARE = "node:http";

/** How exact the time is: more often would take the processor from who is starting. */
const POLL_MS = 5;

const TIMEOUT_MS = 20_000;

export interface Starter {
  name: string;
  /** Below the compiled folder. */
  file: string;
  argsFor: (port: number, originPort: number) => string[];
}

export const STARTERS: readonly Starter[] = [
  {
    name: BARE,
    file: "benchmarks/proxy/bare-process.js",
    argsFor: (port) => [String(port)],
  },
  {
    name: OURS,
    file: "src/cli/main.js",
    argsFor: (port, originPort) => {
      const target = `http://127.0.0.1:${originPort}`;
      return ["proxy", "--target", target, "--port", String(port), "--quiet"];
    },
  },
];

/** Milliseconds. Rejects when the process ends before, or the first answer is another than 200. */
export async function timeStart(
  { name, file, argsFor }: Starter,
  originPort: number,
  { node, compiled }: Setting,
): Promise<number> {
  const port = await freePort();
  const path = fileURLToPath(new URL(file, compiled));
  const env = { ...process.env, NODE_ENV: "production" };
  const start = performance.now();
  const child = spawn(node, [path, ...argsFor(port, originPort)], {
    env,
    stdio: ["ignore", "ignore", 2], // stdout belongs to the report
  });
  try {
    const head = await firstAnswer(child, port, start + TIMEOUT_MS);
    const elapsed = performance.now() - start;
    if (head.startsWith("HTTP/1.1 200 ")) return elapsed;
    throw new Error(`The first answer of ${name} was ${head.split("\r\n")[0]}.`);
  } finally {
    await end(child);
  }
}

async function firstAnswer(child: ChildProcess, port: number, deadline: number): Promise<string> {
  while (!hasEnded(child) && performance.now() < deadline) {
    const head = await ask(port);
    if (head !== undefined) return head;
    await delay(POLL_MS);
  }
  throw new Error("The command ended, or gave no answer in time.");
}

/** The first bytes of the answer; undefined while nobody listens. */
async function ask(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const fields = `Host: 127.0.0.1:${port}\r\nConnection: close`;
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`GET /small HTTP/1.1\r\n${fields}\r\n\r\n`);
    });
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy());
    socket.once("error", () => {}); // "close" follows
    socket.once("close", () => resolve(undefined));
    socket.once("data", (bytes: Buffer) => {
      resolve(String(bytes));
      socket.destroy();
    });
  });
}

/** Waits for the end, because a process that is ending takes part of the processor from the next one. */
async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
