// http-proxy behind the same interface as our engine, which proves that the interface is a seam. For tests only.

import { Agent, type AgentOptions, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as SecureAgent } from "node:https";
import type { Duplex } from "node:stream";
import httpProxy from "http-proxy";
import { CrosswireError } from "../../src/errors.ts";
import type {
  EngineStats,
  ForwardOptions,
  ProxyEngine,
  ProxyOutcome,
  ProxyRequest,
  ProxyResponse,
} from "../../src/http/engine/engine.ts";
import type { ProxyTarget } from "../../src/http/engine/target.ts";
import { type Limits, resolveLimits } from "../../src/limits.ts";
import type { EngineOptions } from "./proxy-front.ts";

export function createHttpProxyEngine({ limits }: EngineOptions = {}): ProxyEngine {
  return new HttpProxyEngine(resolveLimits(limits));
}

class HttpProxyEngine implements ProxyEngine {
  readonly name = "http-proxy";
  #proxy: httpProxy;
  /** Its best configuration: without an agent it opens a connection for each request. */
  #agentOptions: AgentOptions;
  #agent: Agent;
  #secureAgents = new Map<string, SecureAgent>();
  #tunnelSockets = new Set<Duplex>();
  #exchanges = 0;
  #tunnels = 0;

  constructor({ proxyHeadTimeoutMs, maxTargetConnections, maxIdleConnections }: Limits) {
    this.#agentOptions = {
      keepAlive: true,
      maxSockets: maxTargetConnections,
      maxFreeSockets: maxIdleConnections,
    };
    this.#agent = new Agent(this.#agentOptions);
    this.#proxy = httpProxy.createProxyServer({ xfwd: true, proxyTimeout: proxyHeadTimeoutMs });
    this.#proxy.on("proxyReqWs", (upstream) => {
      upstream.on("socket", (socket) => this.#tunnelSockets.add(socket));
    });
  }

  async request(
    request: ProxyRequest,
    response: ProxyResponse,
    target: ProxyTarget,
    options: ForwardOptions = {},
  ): Promise<ProxyOutcome> {
    const server = response as ServerResponse;
    this.#exchanges++;
    const error = await new Promise<Error | undefined>((resolve) => {
      server.once("close", () => resolve(server.writableFinished ? undefined : new Error("cut")));
      this.#proxy.web(toPath(request, options), server, this.#options(target, options), resolve);
    }).catch(toError);
    this.#exchanges--;
    // To cut what has begun is left to the user of http-proxy.
    if (error !== undefined && server.headersSent) server.destroy();
    return outcomeOf(server.headersSent ? server.statusCode : 0, error);
  }

  async upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    target: ProxyTarget,
    options: ForwardOptions = {},
  ): Promise<ProxyOutcome> {
    this.#tunnels++;
    this.#tunnelSockets.add(socket);
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.once("close", () => resolve(undefined));
      const settings = this.#options(target, options);
      this.#proxy.ws(toPath(request, options), socket, head, settings, resolve);
    }).catch(toError);
    this.#tunnels--;
    return outcomeOf(error === undefined ? 101 : 0, error);
  }

  stats(): EngineStats {
    const agents = [this.#agent, ...this.#secureAgents.values()];
    const used = agents.reduce((sum, { sockets }) => sum + sizeOf(sockets), 0);
    const idleConnections = agents.reduce((sum, agent) => sum + sizeOf(agent.freeSockets), 0);
    const connections = used + idleConnections;
    return { connections, idleConnections, exchanges: this.#exchanges, tunnels: this.#tunnels };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    for (const agent of this.#secureAgents.values()) agent.destroy();
    for (const socket of this.#tunnelSockets) socket.destroy();
  }

  #options(target: ProxyTarget, { setFields = {} }: ForwardOptions): httpProxy.ServerOptions {
    const { connect, tls, basePath, host } = target;
    const place =
      "path" in connect ? { socketPath: connect.path } : { host: connect.host, port: connect.port };
    return {
      target: { ...place, path: basePath, protocol: tls === undefined ? "http:" : "https:" },
      agent: tls === undefined ? this.#agent : this.#secureAgent(target),
      secure: tls?.rejectUnauthorized !== false,
      headers: host === undefined ? setFields : { ...setFields, host },
    } as httpProxy.ServerOptions;
  }

  #secureAgent({ key, tls }: ProxyTarget): SecureAgent {
    const agent = this.#secureAgents.get(key) ?? new SecureAgent({ ...tls, ...this.#agentOptions });
    this.#secureAgents.set(key, agent);
    return agent;
  }
}

function toPath(request: ProxyRequest, { path }: ForwardOptions): IncomingMessage {
  const incoming = request as IncomingMessage;
  if (path !== undefined) incoming.url = path;
  return incoming;
}

/** It throws what Node throws at it. */
function toError(reason: unknown): Error {
  return reason as Error;
}

function outcomeOf(status: number, error: Error | undefined): ProxyOutcome {
  const failure = error === undefined ? {} : { failure: failureOf(error) };
  return { status, bytesUp: 0, bytesDown: 0, ...failure };
}

function failureOf(error: NodeJS.ErrnoException): CrosswireError {
  const isDown = error.syscall === "connect" || error.syscall === "getaddrinfo";
  return new CrosswireError(isDown ? "XW_UNREACHABLE" : "XW_UPSTREAM", error.message);
}

function sizeOf(sockets: NodeJS.ReadOnlyDict<readonly unknown[]>): number {
  return Object.values(sockets).reduce((sum, list) => sum + (list?.length ?? 0), 0);
}
