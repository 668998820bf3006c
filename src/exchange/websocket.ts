// One caught WebSocket between the end that caught it and the end that handles it: what each tells the other, as plain
// data, in order. So the two may be anywhere.

import type { Fields } from "./request.ts";

/** Text, or bytes. */
export type FrameData = string | Uint8Array;

/** Which end of the caught connection: the application's WebSocket, or the real server's. */
export type Side = "client" | "server";

export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

/**
 * What the catching end tells. Whatever has an `n` is held there until a release names it; for each side, `n` counts
 * up from 0. Nothing comes after `end`.
 */
export type WebSocketReport =
  | {
      readonly kind: "frame";
      readonly from: Side;
      readonly n: number;
      readonly data: FrameData;
    }
  | ({ readonly kind: "close"; readonly from: Side; readonly n: number } & CloseFrame)
  /** The connection to the real server, which was ordered, is there. */
  | { readonly kind: "open" }
  /** It did not come about. Forwarded, the application sees the same refusal or the same error. */
  | {
      readonly kind: "failure";
      readonly from: "server";
      readonly n: number;
      readonly message: string;
    }
  | { readonly kind: "end" };

/** What the handling end orders. Orders are carried out in the order in which they come. */
export type WebSocketOrder =
  /** The subprotocol that the application gets, "" for none; before `begin`. */
  | { readonly kind: "accept"; readonly protocol: string }
  /** Opens the connection to the real server. Before `begin` the application's handshake waits for it. */
  | { readonly kind: "connect" }
  /** The handlers have returned: the application's handshake may be answered. Exactly once. */
  | { readonly kind: "begin" }
  | { readonly kind: "send"; readonly to: Side; readonly data: FrameData }
  /** 1005: without a code. 1006: as `terminate`. */
  | ({ readonly kind: "close"; readonly to: Side } & CloseFrame)
  | { readonly kind: "terminate"; readonly to: Side }
  /** What was held goes on to the other side, or nowhere. It never overtakes what came before it. */
  | {
      readonly kind: "release";
      readonly from: Side;
      readonly n: number;
      readonly isForwarded: boolean;
    };

const MAX_REASON_BYTES = 123;

/** Whether a close frame may carry it. The others say how a connection ended that had none, or are not given out. */
export function isSendableCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

/** As much of a reason as fits into a close frame. */
export function fittingReason(reason: string): string {
  const encoder = new TextEncoder();
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}

/** The subprotocols that an application offers. */
export function offeredProtocols(headers: Fields): readonly string[] {
  return headers
    .filter(([name]) => name.toLowerCase() === "sec-websocket-protocol")
    .flatMap(([, value]) => value.split(","))
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
}
