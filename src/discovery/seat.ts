// The place of a member in one term: it leads, or it follows. What members can do looks the same from both.

import { CLOSE_CODE } from "../channel/transport.ts";
import { CrosswireError, isCrosswireError } from "../errors.ts";
import { IPCClient } from "../ipc/client.ts";
import type { Limits } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import { nodeClock } from "../node/node-clock.ts";
import { DiscoveryClient } from "./discovery-client.ts";
import {
  DiscoveryIPC,
  type DiscoverApiResult,
  type JoinAnswer,
  type JoinRequest,
  type LeaderIdentity,
  type WatchItem,
} from "./discovery-ipc.ts";
import type { DiscoveryServer } from "./discovery-server.ts";
import type { Leadership } from "./elector.ts";
import type { MemberRef } from "./gathering.ts";
import { isAbsence, nameRival, otherName, unresponsive, withoutElection } from "./rival.ts";
import type { Service, ServiceEntry } from "./service.ts";
import type { StageParts } from "./stage.ts";

export interface Seat {
  readonly epoch: number;
  readonly leader: LeaderIdentity;
  /** Of a leader only. */
  readonly leadership?: Leadership;
  /** Resolves when the term is over for this member, with the reason. */
  readonly lost: Promise<CrosswireError>;
  /** The instanceId of the follower that is to lead next, as far as a follower knows. */
  readonly successor?: string | undefined;
  /** Of a follower: resolves when it is named the successor. */
  readonly named?: Promise<void>;
  register(entries: readonly ServiceEntry[], timeoutMs: number): Promise<void>;
  unregister(
    api: string | undefined,
    baseUrl: string | undefined,
    timeoutMs: number,
  ): Promise<number>;
  discoverApi(api: string, timeoutMs: number): Promise<DiscoverApiResult>;
  list(timeoutMs: number): Promise<Service[]>;
  watch(signal: AbortSignal): AsyncIterable<WatchItem>;
  leave(graceMs: number): Promise<void>;
}

/** Who takes the seat. */
export interface Sitter {
  readonly name: string;
  readonly instanceId: string;
  readonly knownEpoch: number;
  readonly services: readonly ServiceEntry[];
  readonly canLead: boolean;
}

export class LeaderSeat implements Seat {
  readonly leadership: Leadership;
  readonly leader: LeaderIdentity;
  readonly lost: Promise<CrosswireError>;
  #discovery: DiscoveryServer;
  #id: string;

  constructor(sitter: Sitter, leadership: Leadership, { server, discovery }: StageParts) {
    const { name, instanceId, services } = sitter;
    this.leadership = leadership;
    this.#discovery = discovery;
    this.#id = instanceId;
    const startedAt = Date.now();
    this.leader = { instanceId, pid: process.pid, url: server.getUrl(), startedAt };
    this.lost = new Promise((resolve) => {
      const resigned = new CrosswireError("XW_CLOSED", "This member gave up its leadership.");
      leadership.signal.addEventListener("abort", () => resolve(resigned), { once: true });
    });
    const { predecessors } = leadership;
    discovery.lead({
      name,
      identity: this.leader,
      epoch: leadership.epoch,
      // Its own services are here already.
      expected: predecessors.filter(({ id }) => id !== instanceId),
      remember: (epoch, members) => remember(leadership, epoch, members),
    });
    for (const entry of services) this.#registerAgain(entry);
  }

  get epoch(): number {
    return this.#discovery.epoch;
  }

  async register(entries: readonly ServiceEntry[]): Promise<void> {
    this.#discovery.register(this.#id, process.pid, entries);
  }

  async unregister(api: string | undefined, baseUrl: string | undefined): Promise<number> {
    return this.#discovery.unregister(this.#id, api, baseUrl);
  }

  async discoverApi(api: string): Promise<DiscoverApiResult> {
    return this.#discovery.discoverApi(api);
  }

  list(): Promise<Service[]> {
    return this.#discovery.settledList();
  }

  watch(signal: AbortSignal): AsyncIterable<WatchItem> {
    return this.#discovery.watch(signal);
  }

  async leave(graceMs: number): Promise<void> {
    this.#discovery.unregister(this.#id);
    // An open watch would keep its follower from looking for the next leader.
    this.#discovery.endWatches();
    await this.leadership.resign(graceMs);
  }

  #registerAgain(entry: ServiceEntry): void {
    try {
      this.#discovery.register(this.#id, process.pid, [entry]);
    } catch (error) {
      warn(error, "registering again with a new leader");
    }
  }
}

function remember(leadership: Leadership, epoch: number, members: readonly MemberRef[]): void {
  try {
    leadership.remember(epoch, members);
  } catch (error) {
    // A full disk, say: whoever registers or leaves can do nothing about it.
    warn(error, "writing down the members for the next leader");
  }
}

export interface FollowOptions {
  readonly address: number | string;
  readonly sitter: Sitter;
  readonly token: string | undefined;
  readonly limits: Limits;
}

/**
 * Follows whoever leads at this address. Resolves with undefined when nobody does. Rejects with XW_FOREIGN, XW_OTHER_NAME,
 * XW_VERSION, XW_REFUSED or XW_UNRESPONSIVE for what has the port instead, within `discoveryHandshakeMs`.
 */
export async function follow(options: FollowOptions): Promise<Seat | undefined> {
  const { address, sitter, token, limits } = options;
  const startedAt = nodeClock.now();
  const waitedMs = (): number => nodeClock.now() - startedAt;
  const client = new IPCClient(address, {
    name: sitter.name,
    waitForStart: false,
    limits: { ...limits, connectTimeoutMs: limits.discoveryHandshakeMs },
    ...(token === undefined ? {} : { token }),
  });
  try {
    await client.connect(sitter.instanceId);
    const leftMs = Math.max(1, limits.discoveryHandshakeMs - waitedMs());
    const { join } = DiscoveryIPC.discoveryServer;
    const answer = await client.sendFrameworkRequest(join, introduction(sitter), leftMs);
    if (!answer.success) throw refusal(address, answer, sitter.name);
    return new FollowerSeat(client, answer, sitter.instanceId);
  } catch (error) {
    await client.disconnect();
    if (isAbsence(error)) return undefined;
    throw nameRival(error, address, waitedMs());
  }
}

function refusal(
  address: number | string,
  { name, pid }: JoinAnswer & { readonly success: false },
  ours: string,
): CrosswireError {
  return name === "" ? withoutElection(address, pid) : otherName(address, { name, pid }, ours);
}

function introduction({ name, instanceId, knownEpoch, services, canLead }: Sitter): JoinRequest {
  return { name, instanceId, pid: process.pid, knownEpoch, services, canLead };
}

class FollowerSeat implements Seat {
  epoch: number;
  successor: string | undefined;
  readonly leader: LeaderIdentity;
  readonly lost: Promise<CrosswireError>;
  readonly named: Promise<void>;
  #client: IPCClient;
  #discovery: DiscoveryClient;

  constructor(
    client: IPCClient,
    { epoch, leader, refused, successor }: JoinAnswer & { readonly success: true },
    id: string,
  ) {
    this.#client = client;
    this.#discovery = new DiscoveryClient(client);
    this.epoch = epoch;
    this.leader = leader;
    this.named = new Promise((resolve) => {
      const hear = (next: string | null | undefined): void => {
        this.successor = next ?? undefined;
        if (next === id) resolve();
      };
      hear(successor);
      client.onMessage(DiscoveryIPC.discoveryMember.successor, hear);
    });
    this.lost = new Promise((resolve) => {
      client.onClose(({ error }) =>
        resolve(isSilence(error) ? unresponsive(leader.pid, error) : error),
      );
    });
    for (const reason of refused) warn(reason, "registering again with a new leader");
  }

  async register(entries: readonly ServiceEntry[], timeoutMs: number): Promise<void> {
    try {
      await this.#discovery.register(entries, timeoutMs);
    } catch (error) {
      if (!isCrosswireError(error, "XW_STALE_EPOCH")) throw error;
      // The leader learned of a later epoch from somebody else.
      const { epoch } = error.detail as { readonly epoch: number };
      this.epoch = epoch;
      throw error;
    }
  }

  unregister(
    api: string | undefined,
    baseUrl: string | undefined,
    timeoutMs: number,
  ): Promise<number> {
    return this.#discovery.unregister(api, baseUrl, timeoutMs);
  }

  discoverApi(api: string, timeoutMs: number): Promise<DiscoverApiResult> {
    return this.#discovery.discoverApi(api, timeoutMs);
  }

  list(timeoutMs: number): Promise<Service[]> {
    return this.#discovery.list(timeoutMs);
  }

  watch(signal: AbortSignal): AsyncIterable<WatchItem> {
    return this.#discovery.watch(signal);
  }

  async leave(graceMs: number): Promise<void> {
    // Else the leader would expect this member back for a moment. Without grace it is said, but not waited for.
    await this.#discovery.unregister(undefined, undefined, Math.max(1, graceMs)).catch(() => 0);
    await this.#client.disconnect();
  }
}

function isSilence(error: CrosswireError): boolean {
  const { closeCode } = (error.detail ?? {}) as { readonly closeCode?: unknown };
  return isCrosswireError(error, "XW_CONNECTION_LOST") && closeCode === CLOSE_CODE.silent;
}
