// How a runner changes the configuration of a worker.

import { IPCClient } from "../ipc/client.ts";
import type { IPCClientRequest } from "../wire/definition-types.ts";

/** An override of one key; `value` is what JSON can carry. */
export interface ConfigUpdate {
  readonly storeName: string;
  readonly keyName: string;
  readonly value: unknown;
}

/** Back to the default; without a key for the whole store. */
export interface ConfigReset {
  readonly storeName: string;
  readonly keyName?: string;
}

/** The definitions by which a runner overrides and resets configuration in a worker. */
export const ConfigIPC: {
  readonly worker: {
    readonly update: IPCClientRequest<ConfigUpdate, void>;
    readonly reset: IPCClientRequest<ConfigReset, void>;
  };
} = {
  worker: {
    update: IPCClient.defineRequest<ConfigUpdate, void>("config/update"),
    reset: IPCClient.defineRequest<ConfigReset, void>("config/reset"),
  },
};
