// The side that commands: it starts workers, knows them by runtimeId, and leaves none of them behind.

import { CrosswireError } from "../errors.ts";
import { IPCServer } from "../ipc/server.ts";
import { Listeners, type Undo } from "../lifetime.ts";
import { assertPositive, type Limits, resolveLimits } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import { nameOf } from "./crash.ts";
import { launch } from "./launch.ts";
import { OutputLog, showerOf, type WorkerOutput } from "./output-lines.ts";
import { Readiness } from "./readiness.ts";
import { RunningWorker } from "./running-worker.ts";
import {
  assertOutput,
  type LaunchPlan,
  planOf,
  type StartOptions,
  type WorkerEnvironment,
} from "./start-options.ts";
import { TestableIPC } from "./testable-ipc.ts";
import { Warden } from "./warden.ts";

export interface RunnerOptions {
  /** Where the output of workers goes: "prefixed" (to this process, with `[runtimeId] ` before each line), "ignore", or a function. */
  readonly output?: WorkerOutput;
  /** For all workers, laid over the environment of this process. */
  readonly env?: WorkerEnvironment;
  /** How long a worker may take to become ready; 10 s. */
  readonly readyTimeoutMs?: number;
  /** Of the runner's server. */
  readonly limits?: Partial<Limits>;
}

const READY_TIMEOUT_MS = 10_000;

/**
 * A runner that listens on a port of its own. Wrong options throw a TypeError.
 *
 * @example
 * const runner = await createRunner()
 * const users = await runner.start({ runtimeId: "users", script: new URL("./users.ts", import.meta.url) })
 * await users.request(countWords, "to be or not to be")
 * await runner.close()
 */
export function createRunner(options: RunnerOptions = {}): Promise<Runner> {
  const runner = new Runner(options);
  return runner.server.start().then(() => runner);
}

/** Made by createRunner(). */
export class Runner {
  /** Workers are its clients; its address is in their environment. */
  readonly server: IPCServer;
  #options: RunnerOptions;
  #limits: Limits;
  #workers = new Map<string, RunningWorker>();
  #warden = new Warden();
  #crashed: Listeners<[CrosswireError, RunningWorker]> = new Listeners("an onCrash listener", warn);
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(options: RunnerOptions) {
    const { output, readyTimeoutMs } = options;
    assertOutput(output);
    if (readyTimeoutMs !== undefined) assertPositive("readyTimeoutMs", readyTimeoutMs);
    this.#options = options;
    // The end of a process on this machine shows at once. Silence shows only that somebody is busy:
    // a runner that builds something, a worker that computes. That must cost neither the other.
    const limits = { heartbeatQuietMs: Infinity, ...options.limits };
    this.#limits = resolveLimits(limits);
    this.server = new IPCServer(0, { limits, exposeStacks: true, name: "runner" });
    this.#listen();
  }

  /** The workers that run or are starting, by runtimeId. */
  get workers(): ReadonlyMap<string, RunningWorker> {
    return this.#workers;
  }

  /**
   * Resolves when the worker is ready: what it gave to runWorker() is done, or a line of its output matches
   * `ready`. Rejects with XW_WORKER, and why, when it ends before that or takes too long.
   */
  start(options: StartOptions): Promise<RunningWorker> {
    const plan = planOf(options, this.#options.env);
    const { runtimeId } = plan;
    if (this.#workers.has(runtimeId)) {
      throw new TypeError(
        `There is a running ${nameOf(runtimeId)} already; close it first, or use another runtimeId.`,
      );
    }
    if (this.#closing !== undefined) return Promise.reject(closed(runtimeId));
    const worker = this.#launch(plan, options);
    this.#workers.set(runtimeId, worker);
    return this.#whenReady(worker, options);
  }

  /** Called when a worker ends without having been asked to, with an XW_WORKER that says how. Returns the undo. */
  onCrash(listener: (error: CrosswireError, worker: RunningWorker) => unknown): Undo {
    return this.#crashed.add(listener);
  }

  /** Closes all workers, each as its own close() does, then the server. Nothing is left. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #launch(plan: LaunchPlan, options: StartOptions): RunningWorker {
    const { runtimeId } = plan;
    const readiness = new Readiness(options.ready);
    const show = showerOf(options.output ?? this.#options.output ?? "prefixed");
    const log = new OutputLog(runtimeId, (line) => {
      readiness.wrote(line.text);
      show(line);
    });
    // Last, so that nothing that is given as `env` leads it to another server.
    const env = { ...plan.env, ...this.server.env, CROSSWIRE_RUNTIME_ID: runtimeId };
    return new RunningWorker({
      runtimeId,
      launched: launch({ ...plan, env }, this.#warden),
      log,
      readiness,
      server: this.server,
      closeGraceMs: this.#limits.closeGraceMs,
      onEnd: (worker, crash) => {
        // First, so that a listener can start it again.
        this.#workers.delete(runtimeId);
        if (crash !== undefined) this.#crashed.emit(crash, worker);
      },
    });
  }

  async #whenReady(worker: RunningWorker, options: StartOptions): Promise<RunningWorker> {
    const { readyTimeoutMs = READY_TIMEOUT_MS } = this.#options;
    // A worker that waits for a debugger takes as long as it takes.
    const isHeld = /--inspect-(brk|wait)/.test(options.execArgv?.join(" ") ?? "");
    await worker.becomeReady(options.readyTimeoutMs ?? (isHeld ? Infinity : readyTimeoutMs));
    return worker;
  }

  async #close(options: { readonly graceMs?: number }): Promise<void> {
    const closing = [...this.#workers.values()].map((worker) => worker.close(options));
    const results = await Promise.allSettled(closing);
    await this.server.close(options);
    await this.#warden.close();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  #listen(): void {
    const { registerKeys, ready } = TestableIPC.server;
    this.server.onClientConnect(({ runtimeId }) => {
      const worker = this.#workers.get(runtimeId ?? "");
      if (worker !== undefined) worker.readiness.hasConnected = true;
    });
    this.server.onFrameworkMessage(registerKeys, ({ runtimeId, keys }) =>
      this.#get(runtimeId).addKeys(keys),
    );
    this.server.onFrameworkMessage(ready, ({ runtimeId }) =>
      this.#get(runtimeId).readiness.reported(),
    );
  }

  #get(runtimeId: string): RunningWorker {
    const worker = this.#workers.get(runtimeId);
    if (worker !== undefined) return worker;
    const ids = [...this.#workers.keys()].map((id) => JSON.stringify(id)).join(", ");
    throw new TypeError(
      `This runner runs no ${nameOf(runtimeId)}; it runs ${ids === "" ? "none" : ids}.`,
    );
  }
}

function closed(runtimeId: string): CrosswireError {
  return new CrosswireError(
    "XW_CLOSED",
    `${nameOf(runtimeId)} was not started: this runner is closed. Create a new one.`,
  );
}
