// Who serves what: the services of all owners, by api and by path. Knows no connections and no elections.

import { CrosswireError } from "../errors.ts";
import { splitTarget } from "../http/routing-path.ts";
import { Listeners, type Report, type Undo } from "../lifetime.ts";
import type { Service } from "./service.ts";

export interface ServiceChange {
  readonly type: "added" | "removed";
  readonly service: Service;
}

export class Registry {
  // Maps throughout: an api called "constructor" must not find anything on a prototype.
  #byApi = new Map<string, readonly Service[]>();
  #byOwner = new Map<string, Set<Service>>();
  /** Path prefix to the api that is served there. */
  #prefixes = new Map<string, string>();
  #changed: Listeners<[ServiceChange]>;
  #maxServices: number;
  #size = 0;

  constructor(maxServices: number, report: Report) {
    this.#maxServices = maxServices;
    this.#changed = new Listeners("a listener of the registry", report);
  }

  onChange(listener: (change: ServiceChange) => void): Undo {
    return this.#changed.add(listener);
  }

  /** All or nothing. What the same owner registered of the same api and baseUrl is replaced. */
  add(services: readonly Service[]): void {
    for (const service of services) this.#assertPrefixIsFree(service);
    const added = services.filter((service) => !this.#has(service));
    if (this.#size + added.length > this.#maxServices) throw tooMany(this.#maxServices);
    for (const service of added) {
      for (const replaced of this.#like(service)) this.#delete(replaced);
      this.#insert(service);
    }
  }

  /** Of one owner: all, those of one api, or the one at `baseUrl`. Returns how many there were. */
  remove(owner: string, api?: string, baseUrl?: string): number {
    const doomed = this.of(owner).filter(
      (service) =>
        (api === undefined || service.api === api) &&
        (baseUrl === undefined || service.baseUrl === baseUrl),
    );
    for (const service of doomed) this.#delete(service);
    return doomed.length;
  }

  of(owner: string): Service[] {
    return [...(this.#byOwner.get(owner) ?? [])];
  }

  owns(owner: string): boolean {
    return this.#byOwner.has(owner);
  }

  /** All replicas, in the order in which they were registered. */
  replicas(api: string): readonly Service[] {
    return this.#byApi.get(api) ?? [];
  }

  /** The replicas behind the longest prefix that the path is at or below. */
  match(path: string): readonly Service[] {
    const prefix = this.#prefixOf(path);
    const api = prefix === undefined ? undefined : this.#prefixes.get(prefix);
    if (api === undefined) return [];
    return this.replicas(api).filter(({ pathPrefix }) => pathPrefix === prefix);
  }

  list(): Service[] {
    return [...this.#byApi.values()].flat();
  }

  apis(): string[] {
    return [...this.#byApi.keys()];
  }

  #prefixOf(path: string): string | undefined {
    if (this.#prefixes.size === 0) return undefined;
    const { segments } = splitTarget(path);
    for (let length = segments.length; length > 0; length--) {
      const prefix = `/${segments.slice(0, length).join("/")}`;
      if (this.#prefixes.has(prefix)) return prefix;
    }
    return this.#prefixes.has("/") ? "/" : undefined;
  }

  #has(service: Service): boolean {
    return this.#like(service).some((known) => known.pathPrefix === service.pathPrefix);
  }

  #like({ owner, api, baseUrl }: Service): Service[] {
    return this.of(owner).filter((known) => known.api === api && known.baseUrl === baseUrl);
  }

  #insert(service: Service): void {
    const { api, owner, pathPrefix } = service;
    this.#byApi.set(api, [...this.replicas(api), service]);
    const owned = this.#byOwner.get(owner) ?? new Set();
    this.#byOwner.set(owner, owned.add(service));
    if (pathPrefix !== undefined) this.#prefixes.set(pathPrefix, api);
    this.#size++;
    this.#changed.emit({ type: "added", service });
  }

  #delete(service: Service): void {
    const { api, owner, pathPrefix } = service;
    const left = this.replicas(api).filter((known) => known !== service);
    if (left.length > 0) this.#byApi.set(api, left);
    else this.#byApi.delete(api);
    const owned = this.#byOwner.get(owner);
    owned?.delete(service);
    if (owned?.size === 0) this.#byOwner.delete(owner);
    const isServed = left.some((known) => known.pathPrefix === pathPrefix);
    if (pathPrefix !== undefined && !isServed) this.#prefixes.delete(pathPrefix);
    this.#size--;
    this.#changed.emit({ type: "removed", service });
  }

  /** Two apis at one prefix would get each other's requests. */
  #assertPrefixIsFree({ api, pathPrefix, owner }: Service): void {
    const holder = pathPrefix === undefined ? undefined : this.#prefixes.get(pathPrefix);
    if (holder === undefined || holder === api) return;
    const isOwn = this.replicas(holder).every((known) => known.owner === owner);
    const whose = isOwn ? "registered by the same process" : "of another process";
    throw new CrosswireError(
      "XW_REFUSED",
      `The path prefix ${JSON.stringify(pathPrefix)} of ${JSON.stringify(api)} is taken by ` +
        `${JSON.stringify(holder)}, ${whose}. Choose another prefix, or unregister that one first.`,
    );
  }
}

function tooMany(maxServices: number): CrosswireError {
  const text = `No more services can be registered: limits.maxServices (${maxServices}) are.`;
  return new CrosswireError("XW_LIMIT", text);
}
