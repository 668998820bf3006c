// The paths of one method and what answers them, on find-my-way. Knows nothing of requests.

import createRouter from "find-my-way";

export interface Match<Value> {
  readonly value: Value;
  /** Without a prototype, so that no name finds anything that was not in the path. */
  readonly params: Record<string, string>;
}

interface Slot<Value> {
  /** Undefined when it was removed; the router still has its path until the next rebuild. */
  value: Value | undefined;
}

/** A longer one does not match: it bounds what a regular expression is given to read. */
export const MAX_PARAM_LENGTH = 2_048;

/** Unused paths that a router may hold before it is built anew. */
const MAX_REMOVED = 32;

export class RouteTable<Value> {
  #slots = new Map<string, Slot<Value>>();
  #removed = 0;
  #router: createRouter.Instance<createRouter.HTTPVersion.V1> = newRouter();

  /** A later value takes over. Throws TypeError for a path that cannot be read, or that means what another one does. */
  set(path: string, value: Value): void {
    const slot = this.#slots.get(path);
    if (slot === undefined) return this.#insert(path, { value });
    if (slot.value === undefined) this.#removed--;
    slot.value = value;
  }

  get(path: string): Value | undefined {
    return this.#slots.get(path)?.value;
  }

  delete(path: string): boolean {
    const slot = this.#slots.get(path);
    if (slot?.value === undefined) return false;
    slot.value = undefined;
    // Tests add and remove the same few paths over and over; the router need not be built each time.
    if (++this.#removed > MAX_REMOVED && this.#removed * 2 > this.#slots.size) this.#rebuild();
    return true;
  }

  /** What answers this path; "too long" when only the length of a parameter speaks against it. */
  find(path: string): Match<Value> | "too long" | undefined {
    const found = this.#router.find("GET", path);
    if (found === null) return undefined;
    const slot = found.store as Slot<Value> | null;
    if (slot === null) return "too long";
    if (slot.value !== undefined) {
      return { value: slot.value, params: withoutPrototype(found.params) };
    }
    // Behind a removed path there may be a less specific one.
    this.#rebuild();
    return this.find(path);
  }

  #insert(path: string, slot: Slot<Value>): void {
    try {
      register(this.#router, path, slot);
    } catch {
      // Half of an optional parameter may be registered by now, and what stands in the way may be gone already.
      this.#rebuild();
      this.#tryAgain(path, slot);
    }
    this.#slots.set(path, slot);
  }

  #tryAgain(path: string, slot: Slot<Value>): void {
    try {
      register(this.#router, path, slot);
    } catch (error) {
      this.#rebuild();
      const { message } = error as Error;
      const reason = message.includes("already declared")
        ? "another one that is registered matches the same requests; remove that one first, or write both the same way"
        : message;
      const text = `The path ${JSON.stringify(path)} cannot be intercepted: ${reason}.`;
      throw new TypeError(text, { cause: error });
    }
  }

  #rebuild(): void {
    this.#router = newRouter();
    this.#removed = 0;
    for (const [path, slot] of this.#slots) {
      if (slot.value === undefined) this.#slots.delete(path);
      else register(this.#router, path, slot);
    }
  }
}

/** One method is as good as any other: each table is for one. */
function newRouter(): createRouter.Instance<createRouter.HTTPVersion.V1> {
  return createRouter({
    maxParamLength: MAX_PARAM_LENGTH,
    onMaxParamLength: () => {},
    querystringParser: () => ({}),
  });
}

function register(
  router: createRouter.Instance<createRouter.HTTPVersion.V1>,
  path: string,
  slot: Slot<unknown>,
): void {
  router.on("GET", path, () => {}, slot);
}

function withoutPrototype(params: Record<string, string | undefined>): Record<string, string> {
  return Object.assign(Object.create(null) as Record<string, string>, params);
}
