// Catches what undici sends: Node's fetch and WebSocket, and any copy of the package, also a bundled or minified one.
// Each class that has connections of its own is found when the first one of it is made, and asks before it sends.
// This is below everything a user can plug in: redirects, retries, caches, proxies and mocks stay in charge.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { stringify } from "node:querystring";
import type { ClientKind, Fields } from "../exchange/request.ts";
import type { Catcher } from "./caught.ts";
import {
  CaughtDispatch,
  type CaughtDispatchOptions,
  type ClientClass,
  type Dispatcher,
  type DispatchOptions,
  fieldsOf,
  type Handler,
} from "./caught-dispatch.ts";
import { isInternal } from "./context.ts";
import { globalDispatchers } from "./global-dispatcher.ts";
import type { FetchTarget } from "./fetch-call.ts";
import type { Patches } from "./patches.ts";

type Dispatch = (this: Dispatcher, options: DispatchOptions, handler: Handler) => boolean;
type MakeDispatcher = (origin: string, options: object) => Dispatcher;
type Emitters = { init: (this: EventEmitter, options?: unknown) => void };

const DISPATCHER_FILE = /[\\/]lib[\\/](dispatcher[\\/])?(pool|client)\.js$/;
/** Nearly every URL; to look at it costs less than to parse it. */
const PLAIN_URL = /^https?:\/\/[a-z0-9.-]+(?::\d{1,5})?\/[\x21-\x7e]*$/;
const CREATED = "undici:request:create";

export function hookUndici(catcher: Catcher, patches: Patches): UndiciHook {
  const hook = new UndiciHook(catcher, patches);
  // A constructor of EventEmitter calls it, whoever inherits from it.
  patches.replace(EventEmitter as unknown as Emitters, "init", (init) => {
    return function (this: EventEmitter, options) {
      if (isDispatcher(this)) hook.meet(this);
      init.call(this, options);
    };
  });
  // Node loads its own copy when somebody needs it, and makes its first dispatcher then. So it is here, or is met.
  const dispatchers = globalDispatchers();
  for (const dispatcher of dispatchers) hook.meetAll(dispatcher);
  // Each copy that is loaded sees to it that there is one.
  if (dispatchers.length > 0) hook.meetLoaded();
  if (catcher.unseen !== undefined) {
    const onCreated = (message: unknown): void => hook.created(message as Created);
    subscribe(CREATED, onCreated);
    patches.onRestore(() => void unsubscribe(CREATED, onCreated));
  }
  return hook;
}

interface Created {
  readonly request: { readonly method: string; readonly origin?: unknown; readonly path: string };
}

export class UndiciHook {
  #catcher: Catcher;
  #patches: Patches;
  #hooked = new WeakSet<object>();
  /** By the prototype that dispatches. */
  #clientClasses = new WeakMap<object, ClientClass>();
  /** By its handler: a pool that is busy hands it on later, when it was decided about, or is our own. */
  #decided = new WeakSet<Handler>();
  /** Above 0 while a dispatcher hands on to the next one what was decided about. */
  #depth = 0;

  constructor(catcher: Catcher, patches: Patches) {
    this.#catcher = catcher;
    this.#patches = patches;
  }

  /** Hooks the class of a dispatcher if it has connections: pools and clients do, agents only have pools. */
  meet(dispatcher: Dispatcher): void {
    const prototype = Object.getPrototypeOf(dispatcher) as Dispatcher;
    const dispatch = symbolOf(prototype, "dispatch");
    if (dispatch === undefined) return;
    const owner = ownerOf(prototype, dispatch);
    if (this.#hooked.has(owner)) return;
    const isClient = Object.hasOwn(owner, "pipelining");
    if (!isClient && symbolOf(prototype, "get dispatcher") === undefined) return;
    this.#hooked.add(owner);
    if (isClient) this.#clientClasses.set(owner, owner.constructor as ClientClass);
    this.#patches.replace(owner as unknown as Record<symbol, Dispatch>, dispatch, (original) =>
      this.#asking(original),
    );
  }

  /** The dispatcher, those that it would make, and those that it has. */
  meetAll(dispatcher: Dispatcher): void {
    this.meet(dispatcher);
    // Of an agent: what has one connection, and what has many.
    for (const connections of [1, null]) {
      const made = makeBy(dispatcher, connections);
      if (made !== undefined) this.meet(made);
    }
    const children = valueOf(dispatcher, "clients") as { values?(): Iterable<object> } | undefined;
    for (const child of children?.values?.() ?? []) {
      const { dispatcher: entry = child } = child as { dispatcher?: object };
      const one = entry instanceof WeakRef ? (entry.deref() as object | undefined) : entry;
      if (one === undefined || !isDispatcher(one)) continue;
      forgetBoundDispatch(one);
      this.meetAll(one);
    }
  }

  /** What was at work before: copies that were loaded from files, which undici's always are as CommonJS. */
  meetLoaded(): void {
    for (const [file, module] of Object.entries(createRequire(import.meta.url).cache)) {
      if (!DISPATCHER_FILE.test(file)) continue;
      const { prototype } = (module?.exports ?? {}) as { prototype?: object };
      if (prototype !== undefined && isDispatcher(prototype))
        this.meet(Object.create(prototype) as Dispatcher);
    }
  }

  created({ request: { method, origin, path } }: Created): void {
    if (this.#depth > 0 || method === "CONNECT" || isInternal()) return;
    this.#catcher.unseen?.(method, `${String(origin)}${path}`);
  }

  /** Sends by `agent` one call of fetch that was decided about already. A redirect is a request of its own. */
  onceDecided(
    agent: Dispatcher,
    { method, url }: FetchTarget,
    act: (sent: CaughtDispatch) => () => void,
  ): Pick<Dispatcher, "dispatch"> {
    let isSent = false;
    const send: Dispatch = (options, handler) => agent.dispatch(options, handler);
    return {
      dispatch: (options, handler) => {
        if (isSent) return send.call(agent, options, handler);
        isSent = true;
        const sent = this.#catch(agent, send, { method, url, options, handler });
        sent.wait(() => act(sent));
        return true;
      },
    };
  }

  #asking(original: Dispatch): Dispatch {
    const take = (dispatcher: Dispatcher, options: DispatchOptions, handler: Handler): boolean => {
      const offered = this.#offered(dispatcher, options, handler);
      if (offered === undefined) {
        return this.#handOn(() => original.call(dispatcher, options, handler));
      }
      const caught = this.#catch(dispatcher, original, { ...offered, options, handler });
      caught.wait(() => this.#catcher.take(caught));
      return true;
    };
    return function (options, handler) {
      return take(this, options, handler);
    };
  }

  /** What goes on to the network, `original` sends. */
  #catch(
    dispatcher: Dispatcher,
    original: Dispatch,
    offered: Pick<CaughtDispatchOptions, "method" | "url" | "options" | "handler">,
  ): CaughtDispatch {
    const fields = fieldsOf(offered.options.headers);
    const client = kindOf(offered.options, fields);
    const clientClass = (): ClientClass => this.#clientClassOf(dispatcher);
    return new CaughtDispatch({ ...offered, client, fields, clientClass }, (options, view, on) => {
      this.#decided.add(view);
      this.#handOn(() => on?.dispatch(options, view) ?? original.call(dispatcher, options, view));
    });
  }

  #clientClassOf(dispatcher: Dispatcher): ClientClass {
    const owner = dispatchOwner(dispatcher);
    let found = this.#clientClasses.get(owner);
    if (found === undefined) this.#clientClasses.set(owner, (found = clientClassOf(dispatcher)));
    return found;
  }

  /** Undefined for what is not to be asked about: it is not wanted, or it was asked about further up. */
  #offered(
    dispatcher: Dispatcher,
    options: DispatchOptions,
    handler: Handler,
  ): Pick<CaughtDispatch, "method" | "url"> | undefined {
    const { method = "GET" } = options;
    if (this.#depth > 0 || method === "CONNECT" || this.#decided.has(handler)) return undefined;
    if (isInternal()) {
      this.#decided.add(handler);
      return undefined;
    }
    const url = urlOf(dispatcher, options);
    if (url === undefined) return undefined;
    if (this.#catcher.wants(method, url)) return { method, url };
    this.#catcher.unwanted(method, url);
    return undefined;
  }

  #handOn(dispatch: () => boolean): boolean {
    this.#depth++;
    try {
      return dispatch();
    } finally {
      this.#depth--;
    }
  }
}

function isDispatcher(value: object): value is Dispatcher {
  return typeof (value as Partial<Dispatcher>).dispatch === "function";
}

function urlOf(dispatcher: Dispatcher, options: DispatchOptions): string | undefined {
  const { path, query, upgrade } = options;
  const origin = options.origin ?? (valueOf(dispatcher, "url") as URL | undefined)?.origin ?? "";
  // As undici writes it, lists included; its own redirects say null for none.
  const search = stringify(query ?? {});
  const whole = search === "" ? path : `${path}${path.includes("?") ? "&" : "?"}${search}`;
  // What is asked of a proxy is absolute already.
  const url = /^https?:\/\//i.test(path) ? whole : `${String(origin).replace(/\/$/, "")}${whole}`;
  if (!PLAIN_URL.test(url) && !URL.canParse(url)) return undefined;
  return upgrade === "websocket" ? url.replace(/^http/, "ws") : url;
}

/** Fetch has fields that nobody else sends by themselves: one to trustworthy hosts, the other where it is not told. */
function kindOf({ upgrade }: DispatchOptions, fields: Fields): ClientKind {
  if (upgrade === "websocket") return "websocket";
  const isFetch = fields.some(([name, value]) => {
    const lower = name.toLowerCase();
    return lower === "sec-fetch-mode" || (lower === "accept-language" && value === "*");
  });
  return isFetch ? "fetch" : "undici";
}

/** The class of single connections, of the copy that a pool or an agent belongs to. */
function clientClassOf(pool: Dispatcher): ClientClass {
  const client = makeBy(pool, 1);
  if (client === undefined) {
    throw new TypeError("This pool of undici makes its connections in a way that is not known.");
  }
  return dispatchOwner(client).constructor as ClientClass;
}

/** What an agent or a pool would make for a new origin, closed. */
function makeBy(dispatcher: Dispatcher, connections: number | null): Dispatcher | undefined {
  const factory = valueOf(dispatcher, "factory");
  if (typeof factory !== "function") return undefined;
  try {
    const made = (factory as MakeDispatcher).call(dispatcher, "http://localhost", { connections });
    made.destroy().catch(() => {});
    return made;
  } catch {
    // One of the user's own, which wants something else. What it makes is met when it makes it.
    return undefined;
  }
}

/** Versions 5 and 6 keep the method bound, from the first request on. */
function forgetBoundDispatch(dispatcher: Dispatcher): void {
  const bound = Object.getOwnPropertySymbols(dispatcher).find(
    ({ description }) => description === "Intercepted Dispatch",
  );
  if (bound !== undefined) Reflect.deleteProperty(dispatcher, bound);
}

/** Its symbols are its own, and not found by name; what they are called survives a bundler. */
function symbolOf(object: object, description: string): symbol | undefined {
  for (
    let at: object | null = object;
    at !== null;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    const found = Object.getOwnPropertySymbols(at).find((one) => one.description === description);
    if (found !== undefined) return found;
  }
  return undefined;
}

function valueOf(object: object, description: string): unknown {
  const symbol = symbolOf(object, description);
  return symbol === undefined ? undefined : Reflect.get(object, symbol);
}

/** Of what is known to dispatch. */
function dispatchOwner(dispatcher: Dispatcher): Dispatcher {
  const prototype = Object.getPrototypeOf(dispatcher) as Dispatcher;
  return ownerOf(prototype, symbolOf(prototype, "dispatch") as symbol);
}

function ownerOf(prototype: Dispatcher, key: symbol): Dispatcher {
  let owner = prototype;
  while (!Object.hasOwn(owner, key)) owner = Object.getPrototypeOf(owner) as Dispatcher;
  return owner;
}
