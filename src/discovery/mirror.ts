// What a member knows of all services while somebody watches: kept over changes of leaders, so that watchers see
// only what really changed.

import { Listeners, type Report, type Undo } from "../lifetime.ts";
import type { WatchItem } from "./discovery-ipc.ts";
import type { ServiceChange } from "./registry.ts";
import type { Service } from "./service.ts";

/** What a watcher is told. */
export interface WatchUpdate {
  readonly epoch: number;
  readonly added: readonly Service[];
  readonly removed: readonly Service[];
  /** Everything that is registered now. */
  readonly services: readonly Service[];
}

export type Watcher = (update: WatchUpdate) => unknown;

export class Mirror {
  #known = new Map<string, Service>();
  #watchers: Listeners<[WatchUpdate]>;
  #report: Report;
  #size = 0;
  #epoch = 0;
  /** Whether it has been told everything once. */
  #isFilled = false;

  constructor(report: Report) {
    this.#report = report;
    this.#watchers = new Listeners("a watcher of services", report);
  }

  get isWatched(): boolean {
    return this.#size > 0;
  }

  /** A watcher that comes later than the first is told at once what is known. */
  add(watcher: Watcher): Undo {
    const undo = this.#watchers.add(watcher);
    this.#size++;
    if (this.#isFilled) this.#tellAlone(watcher);
    let isDone = false;
    return () => {
      if (isDone) return;
      isDone = true;
      undo();
      this.#size--;
      if (this.#size === 0) this.#forget();
    };
  }

  apply(item: WatchItem): void {
    this.#epoch = item.epoch;
    const isFirst = !this.#isFilled;
    const { added, removed } =
      "services" in item ? this.#replace(item.services) : this.#change(item.changes);
    this.#isFilled = true;
    if (isFirst || added.length > 0 || removed.length > 0)
      this.#watchers.emit(this.#update(added, removed));
  }

  #replace(services: readonly Service[]): Pick<WatchUpdate, "added" | "removed"> {
    const next = new Map(services.map((service) => [keyOf(service), service]));
    const added = services.filter((service) => !this.#known.has(keyOf(service)));
    const removed = [...this.#known.values()].filter((service) => !next.has(keyOf(service)));
    this.#known = next;
    return { added, removed };
  }

  #change(changes: readonly ServiceChange[]): Pick<WatchUpdate, "added" | "removed"> {
    const added: Service[] = [];
    const removed: Service[] = [];
    for (const { type, service } of changes) {
      if (type === "added") this.#known.set(keyOf(service), service);
      else this.#known.delete(keyOf(service));
      (type === "added" ? added : removed).push(service);
    }
    return { added, removed };
  }

  #update(added: readonly Service[], removed: readonly Service[]): WatchUpdate {
    const known = this.#known;
    // Made on demand: most watchers look at the change only, and there may be a thousand services.
    return {
      epoch: this.#epoch,
      added,
      removed,
      get services() {
        return [...known.values()];
      },
    };
  }

  #tellAlone(watcher: Watcher): void {
    const alone = new Listeners<[WatchUpdate]>("a watcher of services", this.#report);
    alone.add(watcher);
    alone.emit(this.#update([...this.#known.values()], []));
  }

  #forget(): void {
    this.#known = new Map();
    this.#isFilled = false;
  }
}

function keyOf({ owner, api, baseUrl, pathPrefix = "" }: Service): string {
  return `${owner}\n${api}\n${baseUrl}\n${pathPrefix}`;
}
