// What whoever decides about caught requests is given, and what may be decided about them.

import type { WebSocket } from "ws";
import type { Outcome } from "../exchange/outcome.ts";
import type { RequestHead } from "../exchange/request.ts";
import type { WebSocketRelay } from "./websocket-relay.ts";

export interface CapturedRequest extends RequestHead {
  /** Aborts when the client gives up, also while it is being answered. */
  readonly signal: AbortSignal;
  /** Reads the body. What nobody asks for is not read, and goes to the network untouched. */
  body(): AsyncIterable<Uint8Array>;
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
