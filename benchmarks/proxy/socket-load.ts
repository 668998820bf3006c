// WebSocket load, seen from the runner: one process that all peers take turns with.

import type { ChildProcess } from "node:child_process";
import { forkEntry, nextMessage, type Setting, stop } from "../children.ts";
import type { LoadResult } from "./http-load.ts";
import type { SocketOrder, SocketReply } from "./socket-load-process.ts";

/** Beyond the time to measure. */
const ANSWER_TIMEOUT_MS = 30_000;

export class SocketLoad {
  #setting: Setting;
  #process: ChildProcess | undefined;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** Connects all sockets, and ends those that a failure has left behind. */
  async open(port: number): Promise<void> {
    await this.#ask({ kind: "open", port });
  }

  async run(inFlight: number, seconds: number): Promise<LoadResult> {
    const reply = await this.#ask({ kind: "converse", inFlight, seconds }, seconds * 1000);
    if ("operations" in reply) return reply;
    throw new Error("The WebSocket load has nothing to report.");
  }

  async close(): Promise<void> {
    await this.#ask({ kind: "close" });
  }

  stop(): void {
    if (this.#process !== undefined) stop(this.#process);
  }

  async #ask(order: SocketOrder, measuringMs = 0): Promise<LoadResult | object> {
    this.#process ??= forkEntry(this.#setting, "proxy/socket-load-process", []);
    const answer = nextMessage<SocketReply>(this.#process, measuringMs + ANSWER_TIMEOUT_MS);
    if (this.#process.connected) this.#process.send(order);
    const reply = await answer;
    if ("error" in reply) throw new Error(reply.error);
    return reply;
  }
}
