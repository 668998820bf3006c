// What one side has registered, and will register again: by api and baseUrl.

import { isMeant, type ServiceEntry } from "./service.ts";

export class Entries {
  #byKey = new Map<string, ServiceEntry>();

  all(): ServiceEntry[] {
    return [...this.#byKey.values()];
  }

  /** Without the epoch, which will be another one by then. */
  add(entries: readonly ServiceEntry[]): void {
    for (const { epoch: _decidedUnder, ...entry } of entries)
      this.#byKey.set(`${entry.api}\n${entry.baseUrl}`, entry);
  }

  remove(api: string | undefined, baseUrl: string | undefined): void {
    for (const [key, entry] of this.#byKey) {
      if (isMeant(entry, api, baseUrl)) this.#byKey.delete(key);
    }
  }
}
