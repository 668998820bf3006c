// What runner and worker say to each other about the worker itself.

import { IPCClient } from "../ipc/client.ts";
import { IPCServer } from "../ipc/server.ts";
import type { IPCClientRequest, IPCServerRequest } from "../wire/definition-types.ts";

/** What a worker offers: names of services, stores, whatever its tests ask for. */
export interface KeysOfWorker {
  readonly runtimeId: string;
  readonly keys: readonly string[];
}

/** The definitions between runner and worker; `server` is what the runner answers. */
export const TestableIPC: {
  readonly server: {
    readonly registerKeys: IPCServerRequest<KeysOfWorker, void>;
    /** The worker's set-up is done: commands may come. */
    readonly ready: IPCServerRequest<{ readonly runtimeId: string }, void>;
  };
  readonly worker: {
    /** Answered at once; then the onStop functions run, and the worker ends by itself. */
    readonly stop: IPCClientRequest<{ readonly graceMs: number }, void>;
  };
} = {
  server: {
    registerKeys: IPCServer.defineRequest<KeysOfWorker, void>("testable/registerKeys"),
    ready: IPCServer.defineRequest<{ readonly runtimeId: string }, void>("testable/ready"),
  },
  worker: {
    stop: IPCClient.defineRequest<{ readonly graceMs: number }, void>("testable/stop"),
  },
};
