// The process that looks on, as the scenarios command it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("observer-process.mjs", import.meta.url));

export interface LoadResult {
  readonly failures: readonly string[];
  /** Of each lookup, in milliseconds. */
  readonly times: readonly number[];
}

export class Observer {
  #child: ChildProcess;
  #lastId = 0;
  #waiting = new Map<number, (result: never) => void>();

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", ({ id, result }: { id: number; result: never }) => {
      this.#waiting.get(id)?.(result);
      this.#waiting.delete(id);
    });
  }

  epoch(): Promise<number> {
    return this.#ask("epoch");
  }

  list(): Promise<string[]> {
    return this.#ask("list");
  }

  lookUp(service: string): Promise<string> {
    return this.#ask("lookUp", { service });
  }

  async firstAnswer(services: readonly string[], above: number): Promise<bigint> {
    return BigInt(await this.#ask<string>("firstAnswer", { services, above }));
  }

  load(service: string, perSecond: number, forMs: number): Promise<LoadResult> {
    return this.#ask("load", { service, perSecond, forMs });
  }

  async close(): Promise<void> {
    const exited = once(this.#child, "exit");
    if (this.#child.connected) this.#child.send({ id: ++this.#lastId, command: "close" });
    await exited;
  }

  #ask<Result>(command: string, options: object = {}): Promise<Result> {
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, command, ...options });
    });
  }
}

export async function observe(port: number, name: string): Promise<Observer> {
  const child = fork(SCRIPT, [String(port), name], {
    // Not through the loader of whoever commands it: it runs what the members run.
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  await once(child, "message");
  return new Observer(child);
}
