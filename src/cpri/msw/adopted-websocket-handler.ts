// A handler of MSW for WebSockets, as one of ours. It gets the two ends that our own handlers get, which are what MSW's
// listeners expect.

import type { WebSocketHandler } from "../handler.ts";
import {
  sidesOf,
  type WebSocketClient,
  type WebSocketServer,
  type WebSocketSides,
} from "../handlers/websocket-sides.ts";
import type { Interest } from "../interest.ts";
import type { WebSocketConnection } from "../websocket-connection.ts";
import type { MswWebSocketHandler } from "./msw-handler.ts";
import { webSocketInterestOfMsw } from "./msw-interest.ts";

interface MswConnection {
  readonly client: WebSocketClient;
  readonly server: WebSocketServer;
  readonly info: { readonly protocols: readonly string[] };
}

/** What of MSW's handlers is not in its declarations, or not in all versions. */
interface Inner {
  readonly url?: unknown;
  /** Since `run` tells the listeners by itself. */
  readonly test?: unknown;
  parse(args: { readonly url: URL }): { readonly match: { readonly params?: object } };
  predicate(args: { readonly url: URL; readonly parsedResult: unknown }): boolean;
  run(connection: MswConnection): Promise<unknown>;
}

/** The description of a symbol of MSW's own. */
const CONNECT = "kConnect";

export class AdoptedWebSocketHandler implements WebSocketHandler {
  readonly kind = "websocket";
  readonly label: string;
  readonly interest: Interest;
  /** As MSW made it. */
  readonly original: MswWebSocketHandler;
  readonly #inner: Inner;
  /** It may be in a list twice, as MSW 3 attaches one handler to several others; a connection is for it once. */
  readonly #seen = new WeakSet<WebSocketConnection>();

  constructor(original: MswWebSocketHandler) {
    this.original = original;
    this.#inner = original as unknown as Inner;
    this.label = `WS ${String(this.#inner.url)}`;
    this.interest = webSocketInterestOfMsw(original);
  }

  open(connection: WebSocketConnection): true | undefined {
    if (this.#seen.has(connection)) return undefined;
    this.#seen.add(connection);
    const sides = sidesOf(connection);
    const client = clientOf(sides);
    const { listeners: before } = client;
    sides.enter();
    const fail = (error: unknown): void => connection.fail(error);
    const info = { protocols: connection.protocols };
    // Its listeners are called before it returns, so that what they do comes before the handshake.
    this.#run({ client, server: sides.server, info }).catch(fail);
    // Of one that matches, MSW listens itself. Whether it matched `run` only says later.
    return client.listeners > before ? true : undefined;
  }

  async #run(connection: MswConnection): Promise<unknown> {
    const inner = this.#inner;
    if (typeof inner.test === "function") return inner.run(connection);
    const { url } = connection.client;
    const parsedResult = inner.parse({ url });
    if (!inner.predicate({ url, parsedResult })) return undefined;
    return connectorOf(inner)?.call(inner, { ...connection, params: parsedResult.match.params });
  }
}

/** Of the first versions that have it: `run` finds out whether the handler matches, and this tells its listeners. */
function connectorOf(handler: object): ((connection: object) => unknown) | undefined {
  for (let from: unknown = handler; from !== null; from = Object.getPrototypeOf(from)) {
    const key = Object.getOwnPropertySymbols(from).find((symbol) => symbol.description === CONNECT);
    if (key !== undefined) return (from as { [key]: (connection: object) => unknown })[key];
  }
  return undefined;
}

const clients = new WeakMap<WebSocketSides, ListenedClient>();

function clientOf(sides: WebSocketSides): ListenedClient {
  const known = clients.get(sides) ?? new ListenedClient(sides.client);
  clients.set(sides, known);
  return known;
}

/** The application's end, which knows how often somebody began to listen. All handlers of a connection share it. */
class ListenedClient implements WebSocketClient {
  readonly id: string;
  readonly url: URL;
  listeners = 0;
  readonly #client: WebSocketClient;

  constructor(client: WebSocketClient) {
    this.id = client.id;
    this.url = client.url;
    this.#client = client;
  }

  readonly send: WebSocketClient["send"] = (data) => this.#client.send(data);
  readonly close: WebSocketClient["close"] = (code, reason) => this.#client.close(code, reason);
  readonly addEventListener: WebSocketClient["addEventListener"] = (type, listener, options) => {
    this.listeners++;
    this.#client.addEventListener(type, listener, options);
  };
  readonly removeEventListener: WebSocketClient["removeEventListener"] = (...args) =>
    this.#client.removeEventListener(...args);
}
