// One worker as its runner sees it: a process or thread that gets ready, is commanded, and ends.

import type { CallOptions } from "../channel/caller.ts";
import type { ItemStream, StreamOptions } from "../channel/opened-streams.ts";
import { CrosswireError, isCrosswireError } from "../errors.ts";
import type { IPCServer } from "../ipc/server.ts";
import { nodeClock } from "../node/node-clock.ts";
import type {
  IPCClientMessage,
  IPCClientRequest,
  IPCClientStream,
  PayloadAnd,
} from "../wire/definition-types.ts";
import { settlesWithin } from "../node/bounded-wait.ts";
import { ConfigIPC } from "./config-ipc.ts";
import { type CallFacts, endOf, nameOf, workerError } from "./crash.ts";
import type { Ended, Exit, Launched } from "./launch.ts";
import type { OutputLine, OutputLog } from "./output-lines.ts";
import type { Readiness } from "./readiness.ts";
import { TestableIPC } from "./testable-ipc.ts";

/** A config store of a worker, seen from the runner. */
export interface WorkerConfig<Values extends object> {
  /** Overrides a key. Resolves when the worker's listeners have run. */
  set<Key extends keyof Values & string>(key: Key, value: Values[Key]): Promise<void>;
  /** Back to the default, of one key or of all. */
  reset(key?: keyof Values & string): Promise<void>;
}

/** @internal */
export interface RunningWorkerParts {
  readonly runtimeId: string;
  readonly launched: Launched;
  readonly log: OutputLog;
  readonly readiness: Readiness;
  readonly server: IPCServer;
  readonly closeGraceMs: number;
  /** Called once. `crash` is the error when nobody had asked it to end. */
  readonly onEnd: (worker: RunningWorker, crash: CrosswireError | undefined) => void;
}

/** A lost connection is noticed a moment before the end of the process that lost it. */
const END_NOTICE_MS = 1_000;
/** A process that is waiting for a disk may outlive even SIGKILL for a moment. */
const KILL_WAIT_MS = 5_000;

export class RunningWorker {
  readonly runtimeId: string;
  /** Undefined for a thread. */
  readonly pid: number | undefined;
  /** Resolves when the worker and all that it started are gone. Never rejects. */
  readonly exited: Promise<Exit>;
  /** @internal */
  readonly readiness: Readiness;
  #parts: RunningWorkerParts;
  #keys = new Set<string>();
  #ended: Ended | undefined;
  /** It ended without having been asked to; closing it later does not change that. */
  #hasCrashed = false;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(parts: RunningWorkerParts) {
    const { runtimeId, launched, log, readiness } = parts;
    this.#parts = parts;
    this.runtimeId = runtimeId;
    this.pid = launched.pid;
    this.readiness = readiness;
    log.follow("stdout", launched.stdout);
    log.follow("stderr", launched.stderr);
    this.exited = launched.ended.then((ended) => this.#end(ended));
  }

  /** What the worker registered with registerKeys(). */
  get keys(): readonly string[] {
    return [...this.#keys];
  }

  /** The last lines of its stdout and stderr, in the order in which they came. */
  get output(): readonly OutputLine[] {
    return [...this.#parts.log.lines];
  }

  /** Sends a request to the worker. Rejects with XW_WORKER, and why, when it is gone or goes. */
  request<Req, Res, HReq, HRes>(
    request: IPCClientRequest<Req, Res, HReq, HRes>,
    ...args: PayloadAnd<NoInfer<Req>, [options?: number | CallOptions]>
  ): Promise<Res> {
    const gone = this.#gone(request);
    if (gone !== undefined) return Promise.reject(gone);
    const { server } = this.#parts;
    return server
      .sendFrameworkMessage<Req, Res, HReq, HRes>(this.runtimeId, request, ...args)
      .catch((error: unknown) => this.#explain(error, request));
  }

  /** Sends a message to the worker; throws when that is not possible. */
  send<P, HP>(message: IPCClientMessage<P, HP>, ...args: PayloadAnd<NoInfer<P>, []>): void {
    const gone = this.#gone(message);
    if (gone !== undefined) throw gone;
    this.#parts.server.sendMessage<P, HP>(this.runtimeId, message, ...args);
  }

  /** Opens a stream that the worker produces. Errors are thrown where it is read. */
  openStream<Req, Item, Upload, HReq, HItem>(
    stream: IPCClientStream<Req, Item, Upload, HReq, HItem>,
    ...args: PayloadAnd<NoInfer<Req>, [options?: StreamOptions<Upload>]>
  ): ItemStream<Item> {
    const { server } = this.#parts;
    const items = server.openStream<Req, Item, Upload, HReq, HItem>(
      this.runtimeId,
      stream,
      ...args,
    );
    return explained(items, (error) => this.#explain(error, stream));
  }

  /** Overrides and resets the configuration that the worker made with `worker.config(storeName, defaults)`. */
  config<Values extends object = Record<string, unknown>>(storeName: string): WorkerConfig<Values> {
    const { update, reset } = ConfigIPC.worker;
    return {
      set: (keyName, value) => this.request(update, { storeName, keyName, value }),
      reset: (keyName) =>
        this.request(reset, keyName === undefined ? { storeName } : { storeName, keyName }),
    };
  }

  /** Sends a signal, SIGKILL unless given, to try what happens then: its end counts as a crash. It ends a thread, whatever the signal. */
  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.#parts.launched.signal(signal);
  }

  /**
   * Asks the worker to stop: its onStop functions run and it ends by itself. After `graceMs`
   * (limits.closeGraceMs) it gets SIGTERM, after as long again SIGKILL, and with it all that it started.
   */
  close({ graceMs = this.#parts.closeGraceMs }: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(graceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  addKeys(keys: readonly string[]): void {
    for (const key of keys) this.#keys.add(key);
  }

  /** @internal Rejects with XW_WORKER when it ends or does not become ready in time; then nothing of it is left. */
  async becomeReady(timeoutMs: number): Promise<void> {
    const outcome = await this.readiness.within(timeoutMs, this.exited);
    if (outcome === "ready") return;
    const name = nameOf(this.runtimeId);
    if (this.#closing !== undefined && !this.#hasCrashed)
      throw new CrosswireError("XW_CLOSED", `This runner closed ${name} before it was ready.`);
    if (outcome === "late") {
      const text = `${name} did not become ready in ${timeoutMs} ms: ${this.readiness.describe()}. It was killed.`;
      await this.close({ graceMs: 0 });
      throw this.#crash(text, undefined);
    }
    const ending = this.#ended === undefined ? "ended" : endOf(this.#ended);
    throw this.#crash(`${name} did not become ready: it ${ending}.`, this.#ended);
  }

  #end(ended: Ended): Exit {
    const { log, onEnd } = this.#parts;
    const { code, signal, reason } = ended;
    for (const line of reason?.split("\n") ?? []) log.add("stderr", line);
    this.#ended = ended;
    this.#hasCrashed = this.#closing === undefined;
    const what = `${nameOf(this.runtimeId)} ${endOf(ended)}.`;
    onEnd(this, this.#hasCrashed ? this.#crash(what, ended) : undefined);
    return { code, signal };
  }

  async #close(graceMs: number): Promise<void> {
    const { launched } = this.#parts;
    const dueAt = nodeClock.now() + graceMs;
    if (graceMs > 0 && (await this.#acceptsStop(graceMs))) {
      if (await settlesWithin(this.exited, dueAt - nodeClock.now())) return;
    }
    launched.signalAll("SIGTERM");
    if (graceMs > 0 && (await settlesWithin(this.exited, graceMs))) return;
    launched.signalAll("SIGKILL");
    if (await settlesWithin(this.exited, KILL_WAIT_MS)) return;
    const text = `${capitalized(nameOf(this.runtimeId))} was still there ${KILL_WAIT_MS} ms after SIGKILL; the system keeps it.`;
    throw new CrosswireError("XW_TIMEOUT", text, { peer: nameOf(this.runtimeId) });
  }

  /** False for a program without runWorker(), and for one that is blocked. */
  async #acceptsStop(graceMs: number): Promise<boolean> {
    if (this.#ended !== undefined) return true;
    const { server } = this.#parts;
    try {
      const { stop } = TestableIPC.worker;
      await server.sendFrameworkMessage(this.runtimeId, stop, { graceMs }, graceMs);
      return true;
    } catch {
      return false;
    }
  }

  /** The error for a call that comes too late. */
  #gone(path: string): CrosswireError | undefined {
    const what = `${JSON.stringify(path)} was not sent to ${nameOf(this.runtimeId)}`;
    return this.#whyGone(what, { path, maybeDelivered: false });
  }

  /** Says of a failed call what became of the worker, where that is the reason. */
  async #explain(error: unknown, path: string): Promise<never> {
    if (!isCrosswireError(error) || !TELL_OF_LOSS.has(error.code)) throw error;
    // Without this a call to a program that never connected would wait for its end in vain.
    const mayHaveEnded = this.readiness.hasConnected || error.code !== "XW_NO_PEER";
    if (mayHaveEnded) await settlesWithin(this.exited, END_NOTICE_MS);
    const { maybeDelivered } = error;
    const what = `${JSON.stringify(path)} got no answer from ${nameOf(this.runtimeId)}`;
    throw this.#whyGone(what, { path, maybeDelivered, cause: error }) ?? error;
  }

  #whyGone(what: string, facts: CallFacts): CrosswireError | undefined {
    const peer = nameOf(this.runtimeId);
    const ended = this.#ended;
    if (this.#closing !== undefined && !this.#hasCrashed)
      return new CrosswireError("XW_CLOSED", `${what}: this runner closed it.`, { peer, ...facts });
    return ended && this.#crash(`${what}: it ${endOf(ended)}.`, ended, facts);
  }

  #crash(what: string, ended: Ended | undefined, facts?: CallFacts): CrosswireError {
    const { runtimeId } = this;
    const { stderrTail: stderr } = this.#parts.log;
    return workerError(capitalized(what), { runtimeId, ended, stderr }, facts);
  }
}

const TELL_OF_LOSS: ReadonlySet<string> = new Set([
  "XW_CLOSED",
  "XW_CONNECTION_LOST",
  "XW_NO_PEER",
]);

/** A stream whose failures are explained. */
function explained<Item>(
  items: ItemStream<Item>,
  explain: (error: unknown) => Promise<never>,
): ItemStream<Item> {
  const stream: ItemStream<Item> = {
    next: () => items.next().catch(explain),
    return: async (value: unknown) => (await items.return?.(value)) ?? { done: true, value },
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: () => items[Symbol.asyncDispose](),
  };
  return stream;
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
