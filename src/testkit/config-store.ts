// Configuration with defaults that a test overrides and resets while the program runs.

import type { Undo } from "../lifetime.ts";
import type { ConfigReset, ConfigUpdate } from "./config-ipc.ts";

/** Called with the new value. Whoever changed it waits for the promise, and gets the error. */
export type ConfigListener<Value> = (value: Value) => unknown;

/**
 * The values of one store: the defaults, but for those that are overridden.
 *
 * @example
 * const flags = new ConfigStore("flags", { darkMode: false })
 * flags.onChange("darkMode", (isOn) => theme.apply(isOn ? "dark" : "light"))
 * await flags.set("darkMode", true)
 * await flags.reset()
 */
export class ConfigStore<Values extends object> {
  readonly name: string;
  #defaults: ReadonlyMap<string, unknown>;
  #overrides = new Map<string, unknown>();
  #listeners = new Map<string, Set<{ readonly listener: ConfigListener<never> }>>();

  constructor(name: string, defaults: Values) {
    this.name = name;
    // A map: a key like "constructor" must not find anything on a prototype.
    this.#defaults = new Map(Object.entries(defaults));
  }

  /** The value now. Throws TypeError for a key without default. */
  get<Key extends keyof Values & string>(key: Key): Values[Key] {
    this.#assertKnown(key);
    const source = this.#overrides.has(key) ? this.#overrides : this.#defaults;
    return source.get(key) as Values[Key];
  }

  /** Resolves when the listeners of the key are done; rejects with what one of them threw. */
  async set<Key extends keyof Values & string>(key: Key, value: Values[Key]): Promise<void> {
    const before = this.get(key);
    this.#overrides.set(key, value);
    await this.#tell(key, before);
  }

  /** Back to the default, of one key or of all. */
  async reset(key?: keyof Values & string): Promise<void> {
    if (key !== undefined) this.#assertKnown(key);
    const keys = key === undefined ? [...this.#overrides.keys()] : [key];
    const befores = keys.map((name) => this.get(name as never));
    for (const name of keys) this.#overrides.delete(name);
    await Promise.all(keys.map((name, nth) => this.#tell(name, befores[nth])));
  }

  /** Called after each change of the key, also by a reset. Returns the undo. */
  onChange<Key extends keyof Values & string>(
    key: Key,
    listener: ConfigListener<Values[Key]>,
  ): Undo {
    this.#assertKnown(key);
    const entry = { listener };
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  async #tell(key: string, before: unknown): Promise<void> {
    const value = this.get(key as never);
    if (Object.is(value, before)) return;
    const entries = [...(this.#listeners.get(key) ?? [])];
    // An async function each: one listener's throw does not keep the others from hearing.
    await Promise.all(entries.map(async ({ listener }) => listener(value)));
  }

  #assertKnown(key: string): void {
    if (this.#defaults.has(key)) return;
    throw new TypeError(
      `The config store ${JSON.stringify(this.name)} has no key ${JSON.stringify(key)}; ${known(this.#defaults.keys())}.`,
    );
  }
}

/** The stores of one worker, by name, as a runner changes them. */
export class ConfigStores {
  #stores = new Map<string, ConfigStore<Record<string, unknown>>>();

  /** Throws TypeError when there is a store of that name already. */
  add<Values extends object>(name: string, defaults: Values): ConfigStore<Values> {
    if (this.#stores.has(name))
      throw new TypeError(`There is a config store ${JSON.stringify(name)} already; share it.`);
    const store = new ConfigStore(name, defaults);
    this.#stores.set(name, store as unknown as ConfigStore<Record<string, unknown>>);
    return store;
  }

  async update({ storeName, keyName, value }: ConfigUpdate): Promise<void> {
    await this.#get(storeName).set(keyName, value);
  }

  async reset({ storeName, keyName }: ConfigReset): Promise<void> {
    await this.#get(storeName).reset(keyName);
  }

  #get(name: string): ConfigStore<Record<string, unknown>> {
    const store = this.#stores.get(name);
    if (store !== undefined) return store;
    throw new TypeError(
      `There is no config store ${JSON.stringify(name)}; ${known(this.#stores.keys())}. Make it with worker.config(name, defaults).`,
    );
  }
}

function known(names: Iterable<string>): string {
  const quoted = [...names].map((name) => JSON.stringify(name));
  return quoted.length === 0 ? "there is none" : `known: ${quoted.join(", ")}`;
}
