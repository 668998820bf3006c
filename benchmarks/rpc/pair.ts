// One peer's two processes, seen from the runner: starts them, passes commands, stops them.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command, Reply } from "./client-process.ts";
import type { PeerEntry } from "./peer-list.ts";
import type { Segment } from "./segment.ts";
import type { ServerAnnouncement } from "./server-process.ts";

/** Beyond the time to measure. The slowest peer on a busy machine needs a few seconds of it. */
const ANSWER_TIMEOUT_MS = 60_000;

/** A process that is asked to end and does not is killed. */
const STOP_TIMEOUT_MS = 5_000;

const NODE_OPTIONS = ["--expose-gc"];

export class Pair {
  readonly entry: PeerEntry;
  #processes: ChildProcess[] = [];
  #client: ChildProcess | undefined;

  constructor(entry: PeerEntry) {
    this.entry = entry;
  }

  /** Rejects when the peer cannot run here, which is not the same as losing something. */
  async start(compiled: URL): Promise<void> {
    const serverFile = fileURLToPath(new URL("benchmarks/rpc/server-process.js", compiled));
    const clientFile = fileURLToPath(new URL("benchmarks/rpc/client-process.js", compiled));
    const address = this.entry.forksServer ? serverFile : await this.#startServer(serverFile);
    this.#client = this.#fork(clientFile);
    await this.ask({ kind: "connect", address });
  }

  /** Rejects when the client reports a loss, dies, or does not answer. */
  async ask(command: Command): Promise<Segment | undefined> {
    const client = this.#client;
    if (client === undefined) throw new Error("The client process was never started.");
    const measuringMs = command.kind === "measure" ? command.seconds * 1000 : 0;
    const answer = this.#nextMessage<Reply>(client, measuringMs + ANSWER_TIMEOUT_MS);
    if (client.connected) client.send(command);
    const reply = await answer;
    if ("error" in reply) throw new Error(reply.error);
    return reply.segment;
  }

  /** Both processes end by themselves once their channel to the runner is gone. */
  stop(): void {
    for (const child of this.#processes.splice(0)) {
      if (hasEnded(child)) continue;
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      child.once("exit", () => clearTimeout(timer));
    }
  }

  async #startServer(file: string): Promise<string> {
    const server = this.#fork(file);
    const announcement = await this.#nextMessage<ServerAnnouncement>(server, ANSWER_TIMEOUT_MS);
    if ("error" in announcement) throw new Error(announcement.error);
    return announcement.address;
  }

  #fork(file: string): ChildProcess {
    const child = fork(file, [this.entry.name], {
      execArgv: NODE_OPTIONS,
      env: { ...process.env, NODE_ENV: "production" },
      stdio: ["ignore", 2, 2, "ipc"], // stdout belongs to the report
    });
    this.#processes.push(child);
    return child;
  }

  /** Rejects when either process ends first: a client need not notice that its server is gone. */
  #nextMessage<T>(from: ChildProcess, timeoutMs: number): Promise<T> {
    const watched = this.#processes;
    return new Promise((resolve, reject) => {
      const onExit = () => settle(new Error("A process ended."));
      const onTimeout = () =>
        settle(new Error(`No answer in ${timeoutMs} ms: something was lost.`));
      const timer = setTimeout(onTimeout, timeoutMs);
      function settle(outcome: unknown): void {
        clearTimeout(timer);
        from.off("message", settle);
        for (const child of watched) child.off("exit", onExit);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome as T);
      }
      from.once("message", settle);
      for (const child of watched) child.once("exit", onExit);
      if (watched.some(hasEnded)) onExit();
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
