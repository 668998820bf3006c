// Functions of other modules that are replaced for a while, and put back exactly as they were.

type Method = (...args: never[]) => unknown;

export class Patches {
  #undo: (() => void)[] = [];

  /** `make` gets the original. The replacement has its name and its length: there is code that asks for them. */
  replace<Key extends PropertyKey, Original extends Method>(
    owner: { [K in Key]: Original },
    key: Key,
    make: (original: Original) => Original,
  ): void {
    const before = Object.getOwnPropertyDescriptor(owner, key);
    const original = owner[key];
    const replacement = make(original);
    Object.defineProperty(replacement, "name", { value: original.name, configurable: true });
    Object.defineProperty(replacement, "length", { value: original.length, configurable: true });
    const settings = before ?? { writable: true, configurable: true, enumerable: false };
    Object.defineProperty(owner, key, { ...settings, value: replacement });
    this.onRestore(() => {
      // Somebody replaced it after us and calls ours; it only calls the original by then.
      if (owner[key] !== replacement) return;
      if (before === undefined) Reflect.deleteProperty(owner, key);
      else Object.defineProperty(owner, key, before);
    });
  }

  onRestore(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** In the opposite order: what was replaced twice gets its first value back. */
  restore(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo();
  }
}
