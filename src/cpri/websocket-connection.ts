// One caught WebSocket as whoever handles it sees it, wherever that is: frames of both sides, and what may be done.

import type { RequestHead } from "../exchange/request.ts";
import type { CloseFrame, FrameData, Side } from "../exchange/websocket.ts";

export type { CloseFrame, FrameData, Side };

/** Says once whether what was held goes on to the other side. Nothing overtakes it meanwhile. */
export type Release = (isForwarded: boolean) => void;

/** What the handling end hears. Of several listeners all have to release, and one that says no is enough. */
export interface WebSocketListener {
  /** A frame came in from `from`. It is held until it is released. */
  onFrame(from: Side, data: FrameData, release: Release): void;
  /** A side closed; released, the other side is closed likewise. 1006: it was cut. */
  onClose(from: Side, close: CloseFrame, release: Release): void;
  /** The connection to the real server, which `connect` asked for, is there. */
  onServerOpen(): void;
  /** It failed; released, the application sees the same. Otherwise it is as if it had not been asked for. */
  onServerError(message: string, release: Release): void;
}

/** What the handling end may do. Orders are carried out in the order in which they are given. */
export interface WebSocketConnection {
  readonly head: RequestHead;
  readonly location: URL;
  /** The subprotocols that the application offers. */
  readonly protocols: readonly string[];
  /** Taken before the first frame: what the handling end hears. Several hear one after the other. */
  listen(listener: WebSocketListener): void;
  /**
   * The subprotocol that the application gets, "" for none; before the handler returns. Without it: what the real
   * server chooses, or the first one that was offered.
   */
  accept(protocol: string): void;
  /**
   * Opens the connection to the real server, with the application's own settings. Before the handler returns, the
   * application's handshake waits for it and ends as the server's does.
   */
  connect(): void;
  send(to: Side, data: FrameData): void;
  /** With 1005 without a code, with 1006 as `terminate`. */
  close(to: Side, close: CloseFrame): void;
  /** Cuts it off without a closing handshake. */
  terminate(to: Side): void;
  /** A handler failed: the application's side is closed with 1011, and whoever runs the handlers is told. */
  fail(error: unknown): void;
}
