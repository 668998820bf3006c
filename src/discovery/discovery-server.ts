// The side that knows who serves what: answers lookups, passes HTTP and WebSocket traffic on, and tells watchers.

import type { CallContext } from "../channel/call-context.ts";
import { CrosswireError } from "../errors.ts";
import type { ChosenRoute } from "../http/proxy/route-proxy.ts";
import type { ClientInfo } from "../ipc/client-table.ts";
import type { IPCServer } from "../ipc/server.ts";
import type { Undo } from "../lifetime.ts";
import { type Limits, resolveLimits } from "../limits.ts";
import { warn } from "../node/diagnostics.ts";
import {
  checkJoin,
  DiscoveryIPC,
  type DiscoverApiResult,
  ELECTING,
  type JoinAnswer,
  type JoinRequest,
  staleEpoch,
  type WatchItem,
} from "./discovery-ipc.ts";
import { Gathering, type MemberRef } from "./gathering.ts";
import { Owners } from "./owners.ts";
import { Registry } from "./registry.ts";
import { checkEntries, type Service, type ServiceEntry } from "./service.ts";
import { Balancer, type Strategy } from "./strategy.ts";
import { Succession } from "./succession.ts";
import type { Term } from "./term.ts";
import { WatchFeed } from "./watch-feed.ts";

export interface DiscoveryServerOptions {
  /** Who gets the next request where an api has several replicas. */
  readonly strategy?: Strategy;
  readonly limits?: Partial<Limits>;
}

/** The owner of routes that were added here by hand. No member can claim a name with a space. */
const BY_HAND = "by hand";

/**
 * Discovery on a server of yours. Behind `joinDiscovery` there is one of these.
 *
 * @example
 * const discovery = new DiscoveryServer(ipcServer)
 * discovery.addRoute({ api: "users", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/users" })
 */
export class DiscoveryServer {
  #server: IPCServer;
  #limits: Limits;
  #registry: Registry;
  #balancer: Balancer;
  #owners = new Owners();
  #gathering = new Gathering();
  #succession = new Succession((successor) => this.#nameSuccessor(successor));
  #feeds = new Set<WatchFeed>();
  #undos: readonly Undo[];
  #term: Term | undefined;
  #epoch = 0;

  constructor(server: IPCServer, options: DiscoveryServerOptions = {}) {
    this.#server = server;
    this.#limits = resolveLimits(options.limits);
    this.#registry = new Registry(this.#limits.maxServices, warn);
    this.#balancer = new Balancer(options.strategy ?? "round-robin");
    this.#undos = this.#serve();
  }

  /** Of the election that this server won; 0 without one. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Sends the traffic of this api to one place, whoever registered it, until undone: for mocks. */
  addRoute(entry: ServiceEntry): Undo {
    const [checked] = checkEntries([entry]);
    if (checked === undefined) return () => {};
    this.register(BY_HAND, process.pid, [checked]);
    let remove = (): unknown => this.removeRoute(checked.api, checked.baseUrl);
    return () => {
      remove();
      remove = () => {};
    };
  }

  /** Of those that were added by hand. Whether there was one. */
  removeRoute(api: string, baseUrl?: string): boolean {
    return this.unregister(BY_HAND, api, baseUrl) > 0;
  }

  /** The replica whose turn it is. */
  getRoute(api: string): Service | undefined {
    return this.#balancer.choose(this.#preferred(this.#registry.replicas(api)), "lookup");
  }

  /** The same for a path of a request. */
  matchRoute(path: string): Service | undefined {
    return this.#balancer.choose(this.#preferred(this.#registry.match(path)), "traffic");
  }

  discoverApi(api: string): DiscoverApiResult {
    const replica = this.getRoute(api);
    if (replica !== undefined) {
      const { baseUrl } = replica;
      return { success: true, url: this.#server.getUrl(), baseUrl, epoch: this.#epoch };
    }
    if (!this.#gathering.isSettled) return { success: false, error: ELECTING, retryable: true };
    const error = `Service not registered: nobody serves ${JSON.stringify(api)}; ${this.#registry.describe()}.`;
    return { success: false, error, retryable: false };
  }

  /** Everything that is registered. */
  list(): Service[] {
    return this.#registry.list();
  }

  /** The same, as soon as nobody is awaited any more. @internal */
  async settledList(): Promise<Service[]> {
    await this.#gathering.settled();
    return this.list();
  }

  /** First all services, as soon as nobody is awaited any more, then each change. Ends when the signal fires. */
  async *watch(signal: AbortSignal): AsyncGenerator<WatchItem, void> {
    const feed = new WatchFeed();
    const stop = (): void => feed.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    this.#feeds.add(feed);
    try {
      await this.#gathering.settled();
      for (;;) {
        const item = await feed.next(
          () => this.#epoch,
          () => this.list(),
        );
        if (item === undefined) return;
        yield item;
      }
    } finally {
      this.#feeds.delete(feed);
      signal.removeEventListener("abort", stop);
    }
  }

  /** Registers in the name of `owner`; all or nothing. @internal */
  register(owner: string, pid: number | undefined, entries: readonly ServiceEntry[]): void {
    const stale = entries.find(({ epoch }) => epoch !== undefined && epoch !== this.#epoch);
    if (stale !== undefined) throw staleEpoch(stale, this.#epoch);
    const isNew = !this.#registry.owns(owner);
    this.#registry.add(
      entries.map(({ api, baseUrl, pathPrefix }) => ({
        api,
        baseUrl,
        ...(pathPrefix === undefined ? {} : { pathPrefix }),
        owner,
        ...(pid === undefined ? {} : { pid }),
      })),
    );
    if (isNew) this.#remember();
  }

  /** @internal */
  unregister(owner: string, api?: string, baseUrl?: string): number {
    const count = this.#registry.remove(owner, api, baseUrl);
    if (count > 0 && !this.#registry.owns(owner)) this.#remember();
    return count;
  }

  /** This server won an election. @internal */
  lead(term: Term): void {
    this.#term = term;
    this.#epoch = term.epoch;
    this.#gathering.expect(term.expected, this.#limits.discoverySettleMs);
  }

  /** @internal */
  endWatches(): void {
    for (const feed of this.#feeds) feed.close();
  }

  /** Takes its handlers off the server. */
  close(): void {
    for (const undo of this.#undos) undo();
    this.#server.setRouteProxyResolver(undefined);
    this.#gathering.close();
    this.endWatches();
  }

  #serve(): Undo[] {
    const { register, unregister, discoverApi, list, watch, join } = DiscoveryIPC.discoveryServer;
    const server = this.#server;
    server.setRouteProxyResolver((path) => this.#chooseRoute(path));
    for (const info of server.clients()) this.#owners.connected(info);
    return [
      this.#registry.onChange((change) => {
        for (const feed of this.#feeds) feed.push(change);
      }),
      server.onFrameworkMessage(register, (entries, context) => {
        const { id, pid } = this.#owners.at(context);
        this.register(id, pid, checkEntries(entries));
      }),
      server.onFrameworkMessage(unregister, (which, context) =>
        this.unregister(this.#owners.at(context).id, which?.api, which?.baseUrl),
      ),
      server.onFrameworkMessage(discoverApi, (api) => this.discoverApi(api)),
      server.onFrameworkMessage(list, () => this.settledList()),
      server.onStream(watch, (_nothing, { signal }) => this.watch(signal)),
      server.onFrameworkMessage(join, (request, context) => this.#join(request, context)),
      server.onClientConnect((info) => this.#owners.connected(info)),
      server.onClientDisconnect((info) => this.#left(info)),
    ];
  }

  #join(asked: JoinRequest, context: CallContext): JoinAnswer {
    const request = checkJoin(asked);
    const term = this.#term;
    if (term === undefined || request.name !== term.name)
      return { success: false, name: term?.name ?? "", pid: process.pid };
    const { instanceId, pid } = request;
    // The note with the epoch was lost, but this member remembers a later one.
    if (request.knownEpoch > this.#epoch) {
      this.#epoch = request.knownEpoch + 1;
      this.#remember();
    }
    this.#owners.joined(context, { id: instanceId, pid });
    this.#gathering.arrived(instanceId);
    if (request.canLead === true) this.#succession.joined(instanceId);
    // All that it registered with the leader before, which may have been many requests.
    const refused = this.#replace(
      { id: instanceId, pid },
      checkEntries(request.services, Infinity),
    );
    const { successor } = this.#succession;
    return { success: true, epoch: this.#epoch, leader: term.identity, refused, successor };
  }

  /** What a member serves, whatever it had registered before. Returns why something was refused. */
  #replace({ id, pid }: MemberRef, entries: readonly ServiceEntry[]): string[] {
    const isKept = ({ api, baseUrl }: Service): boolean =>
      entries.some((entry) => entry.api === api && entry.baseUrl === baseUrl);
    for (const service of this.#registry.of(id)) {
      if (!isKept(service)) this.unregister(id, service.api, service.baseUrl);
    }
    const refused: string[] = [];
    for (const { epoch: _old, ...entry } of entries) {
      try {
        this.register(id, pid, [entry]);
      } catch (error) {
        refused.push((error as Error).message);
      }
    }
    return refused;
  }

  #left(info: ClientInfo): void {
    const owner = this.#owners.left(info);
    if (owner === undefined) return;
    const { id, pid, isMember } = owner;
    this.#succession.left(id);
    // A member that did not say goodbye is dead, or will be back in a moment.
    if (isMember && pid !== undefined && this.#registry.owns(id))
      this.#gathering.expect([{ id, pid }], this.#limits.discoverySettleMs);
    this.unregister(id);
  }

  #nameSuccessor(successor: string | null): void {
    const isMember = (client: ClientInfo): boolean => this.#owners.at(client).isMember;
    this.#server.broadcast(DiscoveryIPC.discoveryMember.successor, successor, isMember);
  }

  /** What was added by hand stands in for all others. */
  #preferred(replicas: readonly Service[]): readonly Service[] {
    const [first] = replicas;
    if (first === undefined || !this.#registry.owns(BY_HAND)) return replicas;
    // Also those with another prefix, or none: it is the whole traffic of the api that they take.
    const byHand = this.#registry.replicas(first.api).filter(({ owner }) => owner === BY_HAND);
    return byHand.length > 0 ? byHand : replicas;
  }

  /** With those who are not back yet: should this leader end now, the next one has to wait for them too. */
  #remember(): void {
    const present = this.#owners.members().filter(({ id }) => this.#registry.owns(id));
    this.#term?.remember(this.#epoch, [...present, ...this.#gathering.awaited()]);
  }

  #chooseRoute(path: string): ChosenRoute | undefined {
    const replica = this.matchRoute(path);
    // A mock on this very server: its intercepts were asked before, and do not answer this path.
    if (replica?.baseUrl === this.#server.getUrl()) return undefined;
    if (replica !== undefined)
      return { baseUrl: replica.baseUrl, onEnd: this.#balancer.opened(replica) };
    if (this.#gathering.isSettled) return undefined;
    throw new CrosswireError(
      "XW_OVERLOADED",
      "A new leader has not heard from all members yet; try again in a moment.",
    );
  }
}
