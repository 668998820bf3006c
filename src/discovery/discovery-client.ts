// The side that registers and looks up, on a connection of its user's.

import { randomUUID } from "node:crypto";
import { CrosswireError, ERROR_TEXT, type ErrorCode, isCrosswireError } from "../errors.ts";
import type { IPCClient } from "../ipc/client.ts";
import type { Undo } from "../lifetime.ts";
import { warn } from "../node/diagnostics.ts";
import type { RemoteDetail } from "../wire/remote-error.ts";
import { DiscoveryIPC, type DiscoverApiResult, type WatchItem } from "./discovery-ipc.ts";
import { Entries } from "./entries.ts";
import { checkEntries, MAX_ENTRIES, type Service, type ServiceEntry } from "./service.ts";

const { discoveryServer } = DiscoveryIPC;

/**
 * Registers with a DiscoveryServer and looks up there. What is registered ends with the connection; when the client
 * reconnects by itself, it is registered again.
 *
 * @example
 * const discovery = new DiscoveryClient(ipcClient)
 * await discovery.register([{ api: "users", baseUrl: "http://127.0.0.1:4001" }])
 * const found = await discovery.discoverApi("orders")
 */
export class DiscoveryClient {
  #client: IPCClient;
  #entries = new Entries();
  #undo: Undo;

  constructor(client: IPCClient) {
    this.#client = client;
    this.#undo = client.onReconnect(async () => {
      const entries = this.#entries.all();
      for (let at = 0; at < entries.length; at += MAX_ENTRIES)
        await this.#registerAgain(entries.slice(at, at + MAX_ENTRIES));
    });
  }

  async register(entries: readonly ServiceEntry[], timeoutMs?: number): Promise<void> {
    const checked = checkEntries(entries);
    await this.#register(checked, timeoutMs);
    this.#entries.add(checked);
  }

  /** What this connection registered: of one api, at one `baseUrl`, or all. Resolves with how many it were. */
  async unregister(api?: string, baseUrl?: string, timeoutMs?: number): Promise<number> {
    this.#entries.remove(api, baseUrl);
    const which = {
      ...(api === undefined ? {} : { api }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
    };
    return this.#client
      .sendFrameworkRequest(discoveryServer.unregister, which, timeoutMs)
      .catch(rethrow);
  }

  discoverApi(api: string, timeoutMs?: number): Promise<DiscoverApiResult> {
    return this.#client.sendFrameworkRequest(discoveryServer.discoverApi, api, timeoutMs);
  }

  list(timeoutMs?: number): Promise<Service[]> {
    return this.#client.sendFrameworkRequest(discoveryServer.list, undefined, timeoutMs);
  }

  /** First everything that is registered, then what changes. `break`, or the signal, ends it. */
  watch(signal?: AbortSignal): AsyncIterable<WatchItem> {
    const options = signal === undefined ? {} : { signal };
    return this.#client.openStream(discoveryServer.watch, undefined, options);
  }

  /** Unregisters everything; the connection stays. */
  async close(): Promise<void> {
    this.#undo();
    const isNeeded = this.#entries.all().length > 0 && this.#client.isConnected();
    if (isNeeded) await this.unregister();
  }

  /** Where all of them together are refused, one by one: what others took meanwhile costs only itself. */
  async #registerAgain(entries: readonly ServiceEntry[]): Promise<void> {
    try {
      await this.#register(entries);
    } catch (error) {
      // Whoever was disconnected over it, or is about to come back once more, has nothing to be told.
      if (!this.#client.isConnected()) return;
      if (entries.length === 1) return warn(error, "registering again");
      for (const entry of entries) {
        if (this.#entries.all().includes(entry)) await this.#registerAgain([entry]);
      }
    }
  }

  async #register(entries: readonly ServiceEntry[], timeoutMs?: number): Promise<void> {
    // With the key a client that reconnects sends it again: what is registered twice is replaced.
    const idempotencyKey = randomUUID();
    const options = timeoutMs === undefined ? { idempotencyKey } : { idempotencyKey, timeoutMs };
    await this.#client
      .sendFrameworkRequest(discoveryServer.register, [...entries], options)
      .catch(rethrow);
  }
}

/** What the server refused has a code of ours: it reads as if it had been thrown here. */
function rethrow(error: unknown): never {
  if (!isCrosswireError(error, "XW_REMOTE")) throw error;
  const { code, data } = (error.detail ?? {}) as Partial<RemoteDetail>;
  if (typeof code !== "string" || !Object.hasOwn(ERROR_TEXT, code)) throw error;
  throw new CrosswireError(code as ErrorCode, error.message, { detail: data, cause: error });
}
