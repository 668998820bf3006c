// `ws.link`, as MSW has it: handlers for the WebSockets to a URL, which mock the server, or listen in between.

import type { WebSocketHandler } from "../handler.ts";
import { Interest } from "../interest.ts";
import type { WebSocketConnection } from "../websocket-connection.ts";
import { compilePattern, type PathPattern, type Pattern } from "./path-pattern.ts";
import type { Params } from "./pattern-parts.ts";
import type { WebSocketData } from "./websocket-payload.ts";
import { sidesOf, type WebSocketClient, type WebSocketServer } from "./websocket-sides.ts";

export interface WebSocketLinkConnection {
  /** The application's end. */
  readonly client: WebSocketClient;
  /** The real server, once `server.connect()` is called. */
  readonly server: WebSocketServer;
  readonly params: Params;
  readonly info: {
    /** The subprotocols that the application offers. */
    readonly protocols: readonly string[];
  };
}

export type WebSocketConnectionListener = (connection: WebSocketLinkConnection) => unknown;

export interface WebSocketLink {
  /** The open WebSockets of applications that a handler of this link has. */
  readonly clients: ReadonlySet<WebSocketClient>;
  /** A handler, for `use`. Of several that match all are called, and each of them can prevent what is forwarded. */
  addEventListener(type: "connection", listener: WebSocketConnectionListener): WebSocketHandler;
  /** To all of `clients`. */
  broadcast(data: WebSocketData): void;
  broadcastExcept(clients: WebSocketClient | readonly WebSocketClient[], data: WebSocketData): void;
}

export interface WebSocketNamespace {
  /**
   * A link to all WebSockets whose URL matches.
   *
   * @example
   * const chat = ws.link("wss://chat.example.com/*")
   * await remote.use(chat.addEventListener("connection", ({ client }) => {
   *   client.addEventListener("message", (event) => client.send(`echo: ${event.data}`))
   * }))
   */
  link(pattern: Pattern): WebSocketLink;
}

export const ws: WebSocketNamespace = { link: (pattern) => new Link(pattern) };

class Link implements WebSocketLink {
  readonly clients: Set<WebSocketClient> = new Set();
  #pattern: PathPattern;

  constructor(pattern: Pattern) {
    this.#pattern = compilePattern(webSocketPattern(pattern));
  }

  addEventListener(type: "connection", listener: WebSocketConnectionListener): WebSocketHandler {
    if (type !== "connection" || typeof listener !== "function") {
      throw new TypeError(`A link has one event: addEventListener("connection", listener).`);
    }
    const pattern = this.#pattern;
    return {
      kind: "websocket",
      label: `WS ${String(pattern.source)}`,
      interest: new Interest("GET", pattern.outline),
      open: (connection) => this.#open(connection, listener),
    };
  }

  broadcast(data: WebSocketData): void {
    this.broadcastExcept([], data);
  }

  broadcastExcept(
    clients: WebSocketClient | readonly WebSocketClient[],
    data: WebSocketData,
  ): void {
    const excepted = new Set([clients].flat());
    for (const client of this.clients) if (!excepted.has(client)) client.send(data);
  }

  #open(connection: WebSocketConnection, listener: WebSocketConnectionListener): true | undefined {
    const params = this.#pattern.match(connection.location);
    if (params === undefined) return undefined;
    const sides = sidesOf(connection);
    const { client, server } = sides;
    sides.enter();
    if (!this.clients.has(client)) {
      this.clients.add(client);
      sides.onClientClosed(() => void this.clients.delete(client));
    }
    const info = { protocols: connection.protocols };
    try {
      Promise.resolve(listener({ client, server, params, info })).catch((error: unknown) => {
        connection.fail(error);
      });
    } catch (error) {
      connection.fail(error);
    }
    return true;
  }
}

/** As the constructor of WebSocket takes a URL: `http` stands for `ws`. */
function webSocketPattern(pattern: Pattern): Pattern {
  return typeof pattern === "string" ? pattern.replace(/^http(s?):\/\//i, "ws$1://") : pattern;
}
