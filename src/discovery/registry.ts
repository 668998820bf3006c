// Who serves what: the services of all owners, by api and by path. Knows no connections and no elections.

import { CrosswireError } from "../errors.ts";
import { splitTarget } from "../http/routing-path.ts";
import { Listeners, type Report, type Undo } from "../lifetime.ts";
import { isMeant, type Service } from "./service.ts";

export interface ServiceChange {
  readonly type: "added" | "removed";
  readonly service: Service;
}

const MAX_NAMED = 10;

export class Registry {
  // Maps throughout: an api called "constructor" must not find anything on a prototype.
  #byApi = new Map<string, readonly Service[]>();
  /** By owner, and there by api and baseUrl. */
  #byOwner = new Map<string, Map<string, Service>>();
  /** Path prefix to the api that is served there. */
  #prefixes = new Map<string, string>();
  /** Of the longest prefix there ever was. */
  #maxSegments = 0;
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
    this.#assertPrefixesAreFree(services);
    const added = lastOfEach(services).filter((service) => !this.#has(service));
    const replaced = added.flatMap((service) => this.#like(service) ?? []);
    if (this.#size - replaced.length + added.length > this.#maxServices)
      throw tooMany(this.#maxServices);
    for (const service of replaced) this.#delete(service);
    for (const service of added) this.#insert(service);
  }

  /** Of one owner: all, those of one api, or the one at `baseUrl`. Returns how many there were. */
  remove(owner: string, api?: string, baseUrl?: string): number {
    const doomed = this.of(owner).filter((service) => isMeant(service, api, baseUrl));
    for (const service of doomed) this.#delete(service);
    return doomed.length;
  }

  of(owner: string): Service[] {
    return [...(this.#byOwner.get(owner)?.values() ?? [])];
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

  /** `registered are "users", "orders"`. */
  describe(): string {
    const apis = [...this.#byApi.keys()].map((api) => JSON.stringify(api));
    if (apis.length === 0) return "nothing is registered";
    const more = apis.length > MAX_NAMED ? ` and ${apis.length - MAX_NAMED} more` : "";
    return `registered are ${apis.slice(0, MAX_NAMED).join(", ")}${more}`;
  }

  #prefixOf(path: string): string | undefined {
    if (this.#prefixes.size === 0) return undefined;
    const { segments } = splitTarget(path);
    // SECURITY: a path may have thousands of segments, and whoever sends it needs no token.
    for (let length = Math.min(segments.length, this.#maxSegments); length > 0; length--) {
      const prefix = `/${segments.slice(0, length).join("/")}`;
      if (this.#prefixes.has(prefix)) return prefix;
    }
    return this.#prefixes.has("/") ? "/" : undefined;
  }

  #has(service: Service): boolean {
    const known = this.#like(service);
    return known !== undefined && known.pathPrefix === service.pathPrefix;
  }

  /** What it would replace. */
  #like(service: Service): Service | undefined {
    return this.#byOwner.get(service.owner)?.get(keyOf(service));
  }

  #insert(service: Service): void {
    const { api, owner, pathPrefix } = service;
    this.#byApi.set(api, [...this.replicas(api), service]);
    const owned = this.#byOwner.get(owner) ?? new Map<string, Service>();
    this.#byOwner.set(owner, owned.set(keyOf(service), service));
    if (pathPrefix !== undefined) {
      this.#prefixes.set(pathPrefix, api);
      this.#maxSegments = Math.max(this.#maxSegments, splitTarget(pathPrefix).segments.length);
    }
    this.#size++;
    this.#changed.emit({ type: "added", service });
  }

  #delete(service: Service): void {
    const { api, owner, pathPrefix } = service;
    const left = this.replicas(api).filter((known) => known !== service);
    if (left.length > 0) this.#byApi.set(api, left);
    else this.#byApi.delete(api);
    const owned = this.#byOwner.get(owner);
    owned?.delete(keyOf(service));
    if (owned?.size === 0) this.#byOwner.delete(owner);
    const isServed = left.some((known) => known.pathPrefix === pathPrefix);
    if (pathPrefix !== undefined && !isServed) this.#prefixes.delete(pathPrefix);
    this.#size--;
    this.#changed.emit({ type: "removed", service });
  }

  /** Two apis at one prefix would get each other's requests. */
  #assertPrefixesAreFree(services: readonly Service[]): void {
    const claimed = new Map<string, string>();
    for (const { api, pathPrefix, owner } of services) {
      if (pathPrefix === undefined) continue;
      const holder = claimed.get(pathPrefix) ?? this.#prefixes.get(pathPrefix) ?? api;
      claimed.set(pathPrefix, api);
      if (holder === api) continue;
      const isOwn = this.replicas(holder).every((known) => known.owner === owner);
      throw prefixTaken(api, pathPrefix, holder, isOwn);
    }
  }
}

/** Who registers the same api and baseUrl twice at once means the later one. */
function lastOfEach(services: readonly Service[]): Service[] {
  return [...new Map(services.map((service) => [keyOf(service), service])).values()];
}

/** No api has a line end in its name. */
function keyOf({ api, baseUrl }: Service): string {
  return `${api}\n${baseUrl}`;
}

function prefixTaken(
  api: string,
  pathPrefix: string,
  holder: string,
  isOwn: boolean,
): CrosswireError {
  const whose = isOwn ? "registered by the same process" : "of another process";
  return new CrosswireError(
    "XW_REFUSED",
    `The path prefix ${JSON.stringify(pathPrefix)} of ${JSON.stringify(api)} is taken by ` +
      `${JSON.stringify(holder)}, ${whose}. Choose another prefix, or unregister that one first.`,
  );
}

function tooMany(maxServices: number): CrosswireError {
  const text = `No more services can be registered: limits.maxServices (${maxServices}) are.`;
  return new CrosswireError("XW_LIMIT", text);
}
