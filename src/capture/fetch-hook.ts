// Catches plain calls of Node's own fetch before undici has made a request of them, which is most of what a fetch
// costs. All that is not plain, or is sent by a dispatcher that somebody has set up, is caught in undici.

import type { Catcher } from "./caught.ts";
import type { Dispatcher } from "./caught-dispatch.ts";
import { CaughtFetch } from "./caught-fetch.ts";
import { callOf, type FetchCall, targetOf } from "./fetch-call.ts";
import { plainDispatcher } from "./global-dispatcher.ts";
import type { Patches } from "./patches.ts";
import { type Tell, tellWith } from "./told-response.ts";
import type { UndiciHook } from "./undici-hook.ts";
import { isObserved } from "./undici-request.ts";

type Fetch = typeof fetch;

export function hookFetch(catcher: Catcher, patches: Patches, undici: UndiciHook): void {
  if (!isNodes(globalThis.fetch)) return;
  // Node loads undici for whoever looks at it.
  const response = Object.getOwnPropertyDescriptor(globalThis, "Response");
  patches.replace<"fetch", Fetch>(globalThis, "fetch", (native) => {
    const hook = new FetchHook(catcher, undici, native, () => {
      return (response?.get?.call(globalThis) ?? response?.value) as typeof Response;
    });
    return (input, init) => hook.called(input, init);
  });
}

class FetchHook {
  #catcher: Catcher;
  #undici: UndiciHook;
  #native: Fetch;
  #responseClass: () => typeof Response;
  #tell: Tell | undefined;

  constructor(
    catcher: Catcher,
    undici: UndiciHook,
    native: Fetch,
    responseClass: () => typeof Response,
  ) {
    this.#catcher = catcher;
    this.#undici = undici;
    this.#native = native;
    this.#responseClass = responseClass;
  }

  called(input: Parameters<Fetch>[0], init: RequestInit | undefined): Promise<Response> {
    const agent = plainDispatcher();
    const call = agent === undefined ? undefined : this.#wanted(input, init);
    if (agent === undefined || call === undefined) return this.#native(input, init);
    return this.#take(call, agent);
  }

  #wanted(input: unknown, init: RequestInit | undefined): FetchCall | undefined {
    const target = targetOf(input, init);
    if (target === undefined || !this.#catcher.wants(target.method, target.url)) return undefined;
    return isObserved() ? undefined : callOf(target, input, init);
  }

  #take(call: FetchCall, agent: Dispatcher): Promise<Response> {
    const tell = (this.#tell ??= tellWith(this.#responseClass()));
    const [url, init] = call.again;
    return new Promise((resolve) => {
      const caught = new CaughtFetch({
        call,
        tell,
        resolve,
        make: (act) => {
          const dispatcher = this.#undici.onceDecided(agent, call, act);
          resolve(this.#native(url, { ...init, dispatcher } as RequestInit));
        },
      });
      caught.wait(() => this.#catcher.take(caught));
    });
  }
}

/** Somebody else's does things of its own, and is not to be passed by. */
function isNodes(fetch: Fetch): boolean {
  return Function.prototype.toString.call(fetch).includes("internal/deps/undici/undici");
}
