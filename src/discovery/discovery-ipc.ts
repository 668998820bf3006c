// What members, clients and the leader say to each other. The names of the seed keep their meaning.

import { CrosswireError } from "../errors.ts";
import { IPCClient } from "../ipc/client.ts";
import { IPCServer } from "../ipc/server.ts";
import type {
  IPCClientMessage,
  IPCServerRequest,
  IPCServerStream,
} from "../wire/definition-types.ts";
import type { ServiceChange } from "./registry.ts";
import type { Service, ServiceEntry } from "./service.ts";

export type DiscoverApiResult = Discovered | NotDiscovered;

export interface Discovered {
  readonly success: true;
  /** Of the leader, which passes requests on to all replicas that have a `pathPrefix`. */
  readonly url: string;
  /** Of one replica, chosen by the strategy. */
  readonly baseUrl: string;
  readonly epoch: number;
}

export interface NotDiscovered {
  readonly success: false;
  /** `electing` while a new leader has not heard from all members yet; else what is registered instead. */
  readonly error: string;
  /** Whether asking again in a moment may give another answer. */
  readonly retryable: boolean;
}

export const ELECTING = "electing";

/** Epochs begin at the seconds since 1970, so this is as far away as it looks. */
const MAX_EPOCH = 1e12;

/** A member introduces itself to the leader, and registers what it serves in the same breath. */
export interface JoinRequest {
  /** Of the group. */
  readonly name: string;
  /** Of the member; the same with each new leader. */
  readonly instanceId: string;
  readonly pid: number;
  /** The highest epoch it has seen: the leader's must be above those of its predecessors. */
  readonly knownEpoch: number;
  readonly services: readonly ServiceEntry[];
  /** Whether it may be named the successor. */
  readonly canLead?: boolean;
}

export type JoinAnswer =
  | {
      readonly success: true;
      readonly epoch: number;
      readonly leader: LeaderIdentity;
      /** Why a service of the request is not among the registered ones. */
      readonly refused: readonly string[];
      /** The instanceId of the member that is to lead next. */
      readonly successor?: string | undefined;
    }
  | { readonly success: false; readonly name: string; readonly pid: number };

export interface LeaderIdentity {
  readonly instanceId: string;
  readonly pid: number;
  readonly url: string;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
}

export interface UnregisterRequest {
  /** Without: everything that this connection registered. */
  readonly api?: string;
  readonly baseUrl?: string;
}

/** First all services, then what changes, in order. A watcher that reads too slowly gets all services again. */
export type WatchItem =
  | { readonly epoch: number; readonly services: readonly Service[] }
  | { readonly epoch: number; readonly changes: readonly ServiceChange[] };

interface DiscoveryDefinitions {
  readonly discoveryServer: {
    readonly register: IPCServerRequest<ServiceEntry[], void>;
    readonly discoverApi: IPCServerRequest<string, DiscoverApiResult>;
    readonly unregister: IPCServerRequest<UnregisterRequest, number>;
    readonly list: IPCServerRequest<void, Service[]>;
    readonly watch: IPCServerStream<void, WatchItem>;
    readonly join: IPCServerRequest<JoinRequest, JoinAnswer>;
  };
  readonly discoveryMember: {
    /** The successor has left: who it is now, or null for nobody. */
    readonly successor: IPCClientMessage<string | null>;
  };
}

/** They may be sent twice: what is gone stays gone, and who has joined has joined. */
const TWICE: { readonly idempotent: true } = { idempotent: true };

export const DiscoveryIPC: DiscoveryDefinitions = {
  discoveryServer: {
    // Without options: a program may well have definitions of its own under these two names, and they must not clash.
    register: IPCServer.defineRequest<ServiceEntry[], void>("discovery/register"),
    discoverApi: IPCServer.defineRequest<string, DiscoverApiResult>("discovery/discoverApi"),
    unregister: IPCServer.defineRequest<UnregisterRequest, number>("discovery/unregister", TWICE),
    list: IPCServer.defineRequest<void, Service[]>("discovery/list", TWICE),
    watch: IPCServer.defineStream<void, WatchItem>("discovery/watch"),
    join: IPCServer.defineRequest<JoinRequest, JoinAnswer>("discovery/join", TWICE),
  },
  discoveryMember: {
    successor: IPCClient.defineMessage<string | null>("discovery/successor"),
  },
};

/** Throws XW_INVALID. */
export function checkJoin(value: JoinRequest): JoinRequest {
  const { name, instanceId, pid, knownEpoch, services } = (value ?? {}) as Partial<JoinRequest>;
  const isUsable =
    typeof name === "string" &&
    typeof instanceId === "string" &&
    // Connections that are no members' go by "client-<n>".
    /^(?!client-)[\w-]{1,64}$/.test(instanceId) &&
    isCount(pid) &&
    isEpoch(knownEpoch) &&
    Array.isArray(services);
  if (isUsable) return value;
  const text = "A member joins with { name, instanceId, pid, knownEpoch, services }.";
  throw new CrosswireError("XW_INVALID", text);
}

export function staleEpoch({ api, epoch }: ServiceEntry, current: number): CrosswireError {
  const text = `${JSON.stringify(api)} was registered for epoch ${epoch}, but this is epoch ${current}. Register it again.`;
  return new CrosswireError("XW_STALE_EPOCH", text, { detail: { epoch: current } });
}

/** SECURITY: an epoch from far ahead would leave no room for later ones. */
export function isEpoch(value: unknown): value is number {
  return isCount(value) && (value as number) < MAX_EPOCH;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
