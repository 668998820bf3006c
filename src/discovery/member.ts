// A process among others of its name: it leads or follows, stays a member whoever leads, and its caller need not know.

import { randomUUID } from "node:crypto";
import { isCrosswireError } from "../errors.ts";
import { IPCServer } from "../ipc/server.ts";
import type { Undo } from "../lifetime.ts";
import { type Limits, resolveLimits } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import { nodeClock } from "../node/node-clock.ts";
import type { DiscoverApiResult } from "./discovery-ipc.ts";
import { DiscoveryServer } from "./discovery-server.ts";
import type { Elector, Leadership } from "./elector.ts";
import { Entries } from "./entries.ts";
import { isLoss, Membership, type Standing } from "./membership.ts";
import { Mirror, type Watcher } from "./mirror.ts";
import type { Seat } from "./seat.ts";
import { checkEntries, type Service, type ServiceEntry } from "./service.ts";
import { Stage } from "./stage.ts";
import type { Strategy } from "./strategy.ts";

export interface MemberSettings {
  readonly name: string;
  readonly elector: Elector;
  readonly token: string | undefined;
  readonly strategy: Strategy | undefined;
  readonly limits: Partial<Limits>;
}

export interface LookupOptions {
  /** How long to wait for the api to be registered, where it is not: processes start in any order. 0 unless given. */
  readonly waitMs?: number;
  /** Without: `limits.callTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** A stopped process is noticed within 3 s (twice the quiet time, and the reply): the usual 40 s are too long to go without a leader. */
const HEARTBEAT: Partial<Limits> = { heartbeatQuietMs: 500, heartbeatReplyMs: 2_000 };
const ASK_AGAIN_MS = 10;
const NO_OPTIONS: LookupOptions = {};

export class Member {
  readonly name: string;
  /** The same for the life of this member, whoever leads. */
  readonly instanceId: string = randomUUID();
  #limits: Limits;
  #stage: Stage;
  #membership: Membership;
  #entries = new Entries();
  #mirror = new Mirror(warn);
  #copying: AbortController | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(settings: MemberSettings) {
    const { name, elector, token, strategy } = settings;
    const { canLead = true } = elector;
    const { instanceId } = this;
    const limits = { ...HEARTBEAT, ...settings.limits };
    this.name = name;
    this.#limits = resolveLimits(limits);
    this.#stage = new Stage(() => {
      const options = { name, limits, ...(token === undefined ? {} : { token }) };
      // It stays closed unless this member is elected.
      const server = new IPCServer(elector.port, options);
      const spread = strategy === undefined ? {} : { strategy };
      return { server, discovery: new DiscoveryServer(server, { limits, ...spread }) };
    });
    this.#membership = new Membership(
      { elector, stage: this.#stage, token, limits: this.#limits },
      () => ({ name, instanceId, services: this.#entries.all(), canLead }),
    );
    this.#membership.onSeat = (seat) => this.#copyFrom(seat);
  }

  get isLeader(): boolean {
    return this.leadership !== undefined;
  }

  /** Of the leader; 0 while nobody leads. */
  get epoch(): number {
    return this.#membership.seat?.epoch ?? 0;
  }

  /** Of the leader, which passes requests on by path; empty while nobody leads. */
  get url(): string {
    return this.#membership.seat?.leader.url ?? "";
  }

  /** While this member leads: its `signal` aborts before anybody else can. */
  get leadership(): Leadership | undefined {
    return this.#membership.seat?.leadership;
  }

  /** Where this member stands now: what onChange() tells when it changes. */
  get standing(): Standing {
    return this.#membership.standing();
  }

  /** Called when the leader is another one, or nobody, or something is in the way. */
  onChange(listener: (standing: Standing) => unknown): Undo {
    return this.#membership.changed.add(listener);
  }

  /** Resolves when the leader knows these. They are registered again with every new leader. */
  async register(entries: readonly ServiceEntry[]): Promise<void> {
    const checked = checkEntries(entries);
    await this.#membership.ask("register()", this.#limits.callTimeoutMs, (seat, leftMs) =>
      registerWith(seat, checked, leftMs),
    );
    this.#entries.add(checked);
  }

  /** All replicas that this member registered of an api, the one at `baseUrl`, or all. Resolves with how many it were. */
  async unregister(api?: string, baseUrl?: string): Promise<number> {
    this.#entries.remove(api, baseUrl);
    return this.#membership.ask("unregister()", this.#limits.callTimeoutMs, (seat, leftMs) =>
      seat.unregister(api, baseUrl, leftMs),
    );
  }

  /**
   * Where an api is served. Waits while a new leader gathers its members, and never longer than `timeoutMs`.
   * Rejects with XW_UNRESPONSIVE, XW_FOREIGN and the like for what is in the way.
   */
  discoverApi(api: string, options: LookupOptions = NO_OPTIONS): Promise<DiscoverApiResult> {
    const { seat } = this.#membership;
    const isUsual = seat !== undefined && options === NO_OPTIONS && this.#closing === undefined;
    if (!isUsual) return this.#lookUp(api, options);
    // HOT: nearly every lookup is answered at the first try, benchmarks/discovery.
    return seat.discoverApi(api, this.#limits.callTimeoutMs).then(
      (result) => (result.success || !result.retryable ? result : this.#lookUp(api, options)),
      (error: unknown) => {
        if (!isLoss(error)) throw error;
        return this.#lookUp(api, options);
      },
    );
  }

  async #lookUp(api: string, options: LookupOptions): Promise<DiscoverApiResult> {
    const { now, setTimer } = nodeClock;
    const { waitMs = 0, timeoutMs = Math.max(waitMs, this.#limits.callTimeoutMs) } = options;
    const waitUntil = now() + waitMs;
    const dueAt = now() + timeoutMs;
    for (let leftMs = timeoutMs; ; leftMs = Math.max(1, dueAt - now())) {
      const result = await this.#membership.ask("discoverApi()", leftMs, (seat, ms) =>
        seat.discoverApi(api, ms),
      );
      const isWorthWaiting = !result.success && (result.retryable || now() < waitUntil);
      if (!isWorthWaiting || now() + ASK_AGAIN_MS > dueAt) return result;
      await new Promise<void>((resolve) => setTimer(resolve, ASK_AGAIN_MS));
    }
  }

  /** Everything that is registered now. */
  list(): Promise<Service[]> {
    return this.#membership.ask("list()", this.#limits.callTimeoutMs, (seat, leftMs) =>
      seat.list(leftMs),
    );
  }

  /** Calls `watcher` with all services, and then with each change, whoever leads. Returns the undo. */
  watch(watcher: Watcher): Undo {
    const undo = this.#mirror.add(watcher);
    if (this.#copying === undefined) this.#copyFrom(this.#membership.seat);
    return () => {
      undo();
      if (!this.#mirror.isWatched) this.#copyFrom(undefined);
    };
  }

  /** Takes back what it registered and leaves. A leader hands over at once; `graceMs` is for calls in flight. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options.graceMs ?? this.#limits.closeGraceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  async join(): Promise<this> {
    try {
      await this.#membership.start();
      return this;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends what was copied from the seat before, and begins anew while somebody watches. */
  #copyFrom(seat: Seat | undefined): void {
    this.#copying?.abort();
    this.#copying = undefined;
    if (seat === undefined || !this.#mirror.isWatched) return;
    this.#copying = new AbortController();
    void this.#copy(seat, this.#copying.signal);
  }

  async #copy(seat: Seat, signal: AbortSignal): Promise<void> {
    try {
      for await (const item of seat.watch(signal)) {
        if (signal.aborted) return;
        this.#mirror.apply(item);
      }
    } catch (error) {
      // With the leader gone the next seat goes on; anything else has no caller to tell.
      const isExpected = signal.aborted || isCrosswireError(error, "XW_CONNECTION_LOST");
      if (!isExpected && !isCrosswireError(error, "XW_CLOSED")) warn(error, "watching services");
    }
  }

  async #close(graceMs: number): Promise<void> {
    this.#copyFrom(undefined);
    await this.#membership.close(graceMs);
    await this.#stage.close(graceMs);
  }
}

/** Decided under the epoch of this seat; where the leader has learned of a later one meanwhile, decided again. */
async function registerWith(
  seat: Seat,
  entries: readonly ServiceEntry[],
  leftMs: number,
): Promise<void> {
  const stamp = (): ServiceEntry[] => entries.map((entry) => ({ epoch: seat.epoch, ...entry }));
  try {
    await seat.register(stamp(), leftMs);
  } catch (error) {
    const isOurs = entries.every(({ epoch }) => epoch === undefined);
    if (!isOurs || !isCrosswireError(error, "XW_STALE_EPOCH")) throw error;
    await seat.register(stamp(), leftMs);
  }
}
