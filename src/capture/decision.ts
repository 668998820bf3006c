// What whoever decides about caught requests is given, and what may be decided about them.

import type { WebSocket } from "ws";
import type { Signal } from "../channel/abort.ts";
import type { Outcome } from "../exchange/outcome.ts";
import type { RequestHead } from "../exchange/request.ts";
import type { WebSocketRelay } from "./websocket-relay.ts";
import type { NetworkEnd } from "./witness.ts";

export interface CapturedRequest extends RequestHead {
  /** Aborts when the client gives up, also while it is being answered. */
  readonly signal: AbortSignal;
  /** The same, for who only has to be told: it costs less. */
  readonly abandonment: Signal;
  /** Of a body that may be read without a loss: where the request goes on, it is sent again. 0: there is none. */
  readonly bodyLength: number | undefined;
  /** Reads the body. What nobody asks for is not read, and goes to the network untouched. */
  body(): AsyncIterable<Uint8Array>;
  /** Told how it ended if it goes to the network, unless it is a WebSocket. Before it is decided, and once. */
  onNetworkEnd(listener: (end: NetworkEnd) => void): void;
}

/** The server's side of a WebSocket is ours: the one of `ws`. */
export interface AcceptWebSocket {
  readonly kind: "accept";
  readonly protocol?: string;
  onSocket(socket: WebSocket): void;
}

/** Somebody decides about the frames of a WebSocket, who gives the first orders when told of it. */
export interface RelayWebSocket {
  readonly kind: "relay";
  onRelay(relay: WebSocketRelay): void;
}

export type Decision = Outcome | AcceptWebSocket | RelayWebSocket;
