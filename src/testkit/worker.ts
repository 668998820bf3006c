// The side that is commanded: a process or thread that its runner has started and finds by runtimeId.

import { isMainThread } from "node:worker_threads";
import type { HandlerOf } from "../channel/handlers.ts";
import { CrosswireError } from "../errors.ts";
import { IPCClient } from "../ipc/client.ts";
import type { Loss } from "../ipc/connection.ts";
import type { Undo } from "../lifetime.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import type {
  IPCClientMessage,
  IPCClientRequest,
  IPCClientStream,
} from "../wire/definition-types.ts";
import { settlesWithin } from "../node/bounded-wait.ts";
import { ConfigIPC } from "./config-ipc.ts";
import { type ConfigStore, ConfigStores } from "./config-store.ts";
import { TestableIPC } from "./testable-ipc.ts";

/** Sets a worker up; the runner hears "ready" when it is done. */
export type SetUpWorker = (worker: ThisWorker) => unknown;

/**
 * Connects this process or thread to the runner that started it, sets it up, and tells the runner that it is ready.
 *
 * Rejects with XW_NOT_CONNECTED when no runner has started it, and with what `setUp` throws.
 *
 * @example
 * await runWorker((worker) => {
 *   worker.onRequest(countWords, (text) => text.split(/\s+/).length)
 * })
 */
export async function runWorker(setUp: SetUpWorker = () => {}): Promise<ThisWorker> {
  const { url, token, runtimeId } = takeEnvironment();
  const client = new IPCClient(url, {
    token,
    name: runtimeId,
    // SECURITY: stacks go to the runner only, which started this program and reads its stderr anyway.
    exposeStacks: true,
    // The end of the runner shows at once; one that is busy is not gone.
    limits: { heartbeatQuietMs: Infinity },
  });
  const worker = new ThisWorker(runtimeId, client);
  await client.connect(runtimeId);
  try {
    await setUp(worker);
    await client.sendFrameworkRequest(TestableIPC.server.ready, { runtimeId });
  } catch (error) {
    await worker.close();
    throw error;
  }
  return worker;
}

/** A worker as it sees itself. Made by runWorker(). */
export class ThisWorker {
  readonly runtimeId: string;
  /** To ask the runner things. */
  readonly client: IPCClient;
  #stores = new ConfigStores();
  #stops: (() => unknown)[] = [];
  #stopping: Promise<void> | undefined;
  #onTerminate = (): void => void this.#terminate();

  /** @internal */
  constructor(runtimeId: string, client: IPCClient) {
    this.runtimeId = runtimeId;
    this.client = client;
    client.onFrameworkRequest(ConfigIPC.worker.update, (update) => this.#stores.update(update));
    client.onFrameworkRequest(ConfigIPC.worker.reset, (reset) => this.#stores.reset(reset));
    client.onFrameworkRequest(TestableIPC.worker.stop, ({ graceMs }) => {
      // Not awaited: the answer says that it was heard; that it is done shows by the end of the process.
      void this.#stopAsAsked(graceMs / 2);
    });
    client.onClose((loss) => this.#abandoned(loss));
    if (isMainThread) process.once("SIGTERM", this.#onTerminate);
    // Its output leads to the runner. When that is gone, writing must not keep the onStop functions from running.
    for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  }

  /** Answers a request of the runner. A later handler of the same request takes over. */
  onRequest<Req, Res, HReq, HRes>(
    request: IPCClientRequest<Req, Res, HReq, HRes>,
    handler: HandlerOf<HReq, HRes>,
  ): Undo {
    return this.client.onFrameworkRequest(request, handler);
  }

  /** Listens to a message of the runner. */
  onMessage<P, HP>(message: IPCClientMessage<P, HP>, handler: HandlerOf<HP, unknown>): Undo {
    return this.client.onMessage(message, handler);
  }

  /** Produces a stream for the runner: an async generator, run once per opening. */
  onStream<Req, Item, Upload, HReq, HItem>(
    stream: IPCClientStream<Req, Item, Upload, HReq, HItem>,
    handler: HandlerOf<HReq, AsyncIterable<HItem> | Iterable<HItem>, Upload>,
  ): Undo {
    return this.client.onStream(stream, handler);
  }

  /** Adds to the `keys` that the runner sees: names of what can be asked for in this worker. */
  registerKeys(...keys: string[]): Promise<void> {
    const { runtimeId } = this;
    return this.client.sendFrameworkRequest(TestableIPC.server.registerKeys, { runtimeId, keys });
  }

  /** A store of configuration whose values the runner can override and reset. */
  config<Values extends object>(storeName: string, defaults: Values): ConfigStore<Values> {
    return this.#stores.add(storeName, defaults);
  }

  /** Runs when this worker stops: the runner closes it, is gone, or SIGTERM comes. The last one given runs first. */
  onStop(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Runs the onStop functions and ends the connection. Then this process ends, if nothing else keeps it. */
  close(): Promise<void> {
    return this.#stopAsAsked(0);
  }

  #stopAsAsked(graceMs: number): Promise<void> {
    // Whoever sends SIGTERM now has waited for this long enough.
    process.off("SIGTERM", this.#onTerminate);
    return this.#stop(graceMs);
  }

  #stop(graceMs: number): Promise<void> {
    return (this.#stopping ??= this.#runStops(graceMs));
  }

  async #runStops(graceMs: number): Promise<void> {
    for (const stop of this.#stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        warn(error, "an onStop function");
      }
    }
    await this.client.disconnect({ graceMs });
  }

  /** Nobody is left to command this worker, or to notice that it stays: it ends whatever else keeps it. */
  async #abandoned({ error }: Loss): Promise<void> {
    if (this.#stopping !== undefined) return;
    process.stderr.write(
      `The connection to the runner is lost, so this worker ends. ${error.message}\n`,
    );
    await settlesWithin(this.#stop(0), DEFAULT_LIMITS.closeGraceMs);
    process.exit(1);
  }

  /** SIGTERM, perhaps from the warden: then the connection is lost too, and either may be noticed first. */
  async #terminate(): Promise<void> {
    await settlesWithin(this.#stop(0), DEFAULT_LIMITS.closeGraceMs);
    process.kill(process.pid, "SIGTERM");
  }
}

interface WorkerEnvironment {
  readonly url: string;
  readonly token: string;
  readonly runtimeId: string;
}

/** The name is taken out of the environment: what this process starts must not pass for it. */
function takeEnvironment(): WorkerEnvironment {
  const {
    CROSSWIRE_URL: url,
    CROSSWIRE_TOKEN: token,
    CROSSWIRE_RUNTIME_ID: runtimeId,
  } = process.env;
  if (url === undefined || token === undefined || runtimeId === undefined) {
    throw new CrosswireError(
      "XW_NOT_CONNECTED",
      "runWorker() found no runner: CROSSWIRE_URL, CROSSWIRE_TOKEN and CROSSWIRE_RUNTIME_ID are not all set. " +
        "Start this script with runner.start({ runtimeId, script }), and call runWorker() once.",
    );
  }
  delete process.env["CROSSWIRE_RUNTIME_ID"];
  return { url, token, runtimeId };
}
