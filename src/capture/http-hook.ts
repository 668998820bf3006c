// Catches what node:http and node:https send, and whatever is built on them: where a request asks its agent for a
// connection. Who took `request` out of its module before is caught too, because every agent has this method.

import http, { Agent, type ClientRequest } from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import type { Catcher } from "./caught.ts";
import {
  CaughtHttpRequest,
  type InnerAgent,
  type InnerRequest,
  type RequestSettings,
} from "./caught-http-request.ts";
import { PROTOCOL_HEADER } from "../ipc/own-traffic.ts";
import type { Patches } from "./patches.ts";

type Request = (...args: unknown[]) => ClientRequest;
interface HttpModule {
  request: Request;
  get: Request;
}

export function hookHttp(catcher: Catcher, patches: Patches): void {
  const hook = new HttpHook(catcher);
  // Done last of all: what was imported by name follows what is in the module.
  patches.onRestore(syncBuiltinESMExports);
  patches.replace(Agent.prototype as unknown as InnerAgent, "addRequest", (addRequest) => {
    return function (this: InnerAgent, request, settings, ...rest) {
      const pass = (): void => addRequest.call(this, request, settings, ...rest);
      if (typeof settings === "object") hook.offer(request, settings, pass);
      else pass();
    };
  });
  for (const module of [http, https] as unknown as HttpModule[]) {
    const isSecure = (module as unknown) === https;
    const { request } = module;
    const gated: Request = (...args) => hook.requestThroughGate(request, args, isSecure);
    patches.replace(module, "request", () => gated);
    patches.replace(module, "get", () => (...args) => {
      const made = gated(...args);
      made.end();
      return made;
    });
  }
  syncBuiltinESMExports();
}

class HttpHook {
  #catcher: Catcher;
  /** Also an agent with a method of its own may call the one of Node's. */
  #offered = new WeakSet<InnerRequest>();

  constructor(catcher: Catcher) {
    this.#catcher = catcher;
  }

  /** Lets it go on at once when nobody could want it. */
  offer(request: InnerRequest, settings: RequestSettings, pass: () => void): void {
    if (this.#offered.has(request)) return pass();
    const upgrade = request.getHeader("upgrade");
    const isWebSocket = typeof upgrade === "string" && /^websocket$/i.test(upgrade);
    // Other upgrades, and tunnels, are no exchanges.
    const isExchange = upgrade === undefined || isWebSocket;
    if (!isExchange || request.destroyed || request.method === "CONNECT") return pass();
    // What Crosswire itself connects to is nobody's network.
    if (isWebSocket && request.hasHeader(PROTOCOL_HEADER)) return pass();
    const client = isWebSocket ? "websocket" : "http";
    const url = urlOf(request, settings, isWebSocket);
    if (!this.#catcher.wants(request.method, url)) {
      this.#catcher.unwanted(request.method, url);
      return pass();
    }
    const caught = new CaughtHttpRequest({ request, settings, url, client, pass });
    caught.wait(() => this.#catcher.take(caught));
  }

  /** A request that brings its own connection, or an agent of another kind, never asks an agent of Node's. */
  requestThroughGate(request: Request, args: unknown[], isSecure: boolean): ClientRequest {
    const at = args.findIndex(isSettings);
    const settings = args[at] as RequestSettings | undefined;
    const gate = settings === undefined ? undefined : this.#gateFor(settings, isSecure);
    return gate === undefined
      ? request(...args)
      : request(...args.with(at, { ...settings, agent: gate }));
  }

  #gateFor(settings: RequestSettings, isSecure: boolean): object | undefined {
    const { agent, createConnection } = settings;
    if (agent === undefined || agent === null) {
      return createConnection === undefined ? undefined : this.#connectionGate(settings, isSecure);
    }
    if (typeof agent !== "object") return undefined;
    const inner = agent as unknown as InnerAgent;
    const nodes = Agent.prototype as unknown as InnerAgent;
    const isForeign =
      typeof inner.addRequest === "function" && inner.addRequest !== nodes.addRequest;
    return isForeign ? this.#agentGate(inner) : undefined;
  }

  /** Looks to the request like no agent: its connection is used once. */
  #connectionGate(settings: RequestSettings, isSecure: boolean): object {
    const { protocol = isSecure ? "https:" : "http:", defaultPort = isSecure ? 443 : 80 } =
      settings;
    const addRequest: InnerAgent["addRequest"] = (request, merged) => {
      request.agent = undefined;
      this.offer(request, merged, () => connect(request, merged));
    };
    const face = { protocol, defaultPort, keepAlive: false, maxSockets: Infinity, options: {} };
    return { ...face, addRequest };
  }

  #agentGate(agent: InnerAgent): object {
    const addRequest: InnerAgent["addRequest"] = (request, settings, ...rest) => {
      request.agent = agent as unknown as Agent;
      this.offer(request, settings, () => {
        this.#offered.add(request);
        agent.addRequest(request, settings, ...rest);
      });
    };
    const get = (target: InnerAgent, name: string | symbol): unknown =>
      name === "addRequest" ? addRequest : Reflect.get(target, name, target);
    return new Proxy(agent, { get });
  }
}

/** Among the arguments of `request`: a URL or its text, settings, a listener. */
function isSettings(arg: unknown): boolean {
  return typeof arg === "object" && arg !== null && !(arg instanceof URL);
}

function urlOf(
  { protocol, host, path }: InnerRequest,
  { port }: RequestSettings,
  isWebSocket: boolean,
): string {
  // What is asked of a proxy is absolute already.
  if (/^https?:\/\//i.test(path)) return path;
  const isSecure = protocol === "https:";
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  const isDefault = port === undefined || Number(port) === (isSecure ? 443 : 80);
  const scheme = `${isWebSocket ? "ws" : "http"}${isSecure ? "s" : ""}`;
  return `${scheme}://${name}${isDefault ? "" : `:${port}`}${path}`;
}

/** What Node does for a request without an agent. */
function connect(request: InnerRequest, settings: RequestSettings): void {
  let isDone = false;
  const done = (error: Error | null, socket?: unknown): void => {
    if (isDone) return;
    isDone = true;
    request.onSocket(socket ?? null, error ?? undefined);
  };
  try {
    const socket = settings.createConnection?.(settings, done);
    if (socket !== undefined && socket !== null) done(null, socket);
  } catch (error) {
    done(error as Error);
  }
}
