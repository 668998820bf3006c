// The senders that are attached to a receiver, and how all of them learn what it wants to be asked about.

import { isCrosswireError } from "../../errors.ts";
import type { IPCServer } from "../../ipc/server.ts";
import { checkHello } from "../check-frames.ts";
import { keepAlive } from "../../node/keep-alive.ts";
import { Changes } from "../changes.ts";
import { CPRI_VERSION, CpriIPC, type Hello, type State, type Welcome } from "../cpri-ipc.ts";

export interface AttachedSender {
  /** Of the sender; new with each start of it. */
  readonly id: string;
  readonly pid: number;
  /** Of its process. */
  readonly title: string;
}

/** Nobody waits longer for a sender to say that it has learned something. */
const ACKNOWLEDGE_MS = 5_000;

export class Senders {
  #server: IPCServer;
  /** With fractions: several may start in one millisecond. */
  #startedAt = performance.timeOrigin + performance.now();
  #whole: () => State;
  #attached = new Map<string, AttachedSender>();
  /** What is on its way to each sender. */
  #unacknowledged = new Set<Promise<void>>();
  #changes = new Changes();
  #isClosed = false;

  /** `whole` is all that a new sender has to know. */
  constructor(server: IPCServer, whole: () => State) {
    this.#server = server;
    this.#whole = whole;
    server.onFrameworkMessage(CpriIPC.hello, (hello, { runtimeId = "" }) =>
      this.#welcome(runtimeId, hello),
    );
    server.onClientDisconnect(({ runtimeId = "" }) => {
      this.#attached.delete(runtimeId);
      this.#changes.happened();
    });
  }

  list(): AttachedSender[] {
    return [...this.#attached.values()];
  }

  get(id: string): AttachedSender | undefined {
    return this.#attached.get(id);
  }

  /** Tells all of them; `sync` waits until they know. */
  tell(state: State): void {
    for (const { id } of this.#attached.values()) {
      const told = this.#server
        .sendFrameworkMessage(id, CpriIPC.state, state, ACKNOWLEDGE_MS)
        // Who is gone will be told everything when it comes back. Who is stopped learns it when it goes on.
        .catch((error: unknown) => {
          if (!isCrosswireError(error)) throw error;
        })
        .finally(() => this.#unacknowledged.delete(told));
      this.#unacknowledged.add(told);
    }
  }

  /** Resolves when every attached sender knows everything. */
  async sync(): Promise<void> {
    // Who waits keeps the process alive. The connections need not, where nobody said listen().
    const letGo = keepAlive();
    try {
      while (this.#unacknowledged.size > 0) await Promise.all(this.#unacknowledged);
    } finally {
      letGo();
    }
  }

  /** Resolves when all of `ids` are attached, to those that did not come in time. */
  async arrival(ids: readonly string[], waitMs: number): Promise<readonly string[]> {
    const missing = (): string[] => ids.filter((id) => !this.#attached.has(id));
    await this.#changes.until(() => this.#isClosed || missing().length === 0, waitMs);
    return missing();
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#isClosed = true;
    this.#changes.happened();
  }

  #welcome(id: string, hello: Hello): Welcome {
    checkHello(hello);
    const { pid, title } = hello;
    this.#attached.set(id, { id, pid, title });
    this.#changes.happened();
    const state = this.#whole();
    return { protocol: CPRI_VERSION, pid: process.pid, startedAt: this.#startedAt, state };
  }
}
