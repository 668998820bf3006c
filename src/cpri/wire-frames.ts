// Orders and reports of a WebSocket as they ride: what has bytes has them beside its JSON.

import type { WebSocketOrder, WebSocketReport } from "../exchange/websocket.ts";
import { WithBytes } from "../wire/with-bytes.ts";
import { checkOrder, checkReport } from "./check-frames.ts";
import type { MaybeWithBytes } from "./cpri-ipc.ts";

type Bytes<Message> = Message extends { readonly data: unknown } ? Omit<Message, "data"> : never;

/** A frame of bytes without them; and everything else as it is. */
export type WireOrder = MaybeWithBytes<WebSocketOrder | Bytes<WebSocketOrder>>;
export type WireReport = MaybeWithBytes<WebSocketReport | Bytes<WebSocketReport>>;

export function orderToWire(order: WebSocketOrder): WireOrder {
  if (order.kind !== "send" || typeof order.data === "string") return order;
  const { data, ...head } = order;
  return new WithBytes(head, data);
}

export function reportToWire(report: WebSocketReport): WireReport {
  if (report.kind !== "frame" || typeof report.data === "string") return report;
  const { data, ...head } = report;
  return new WithBytes(head, data);
}

/** The opposite. Throws a TypeError, as `reportFromWire`, for what has another shape. */
export function orderFromWire(wire: WireOrder): WebSocketOrder {
  const order = fromWire<WebSocketOrder>(wire);
  checkOrder(order);
  return order;
}

export function reportFromWire(wire: WireReport): WebSocketReport {
  const report = fromWire<WebSocketReport>(wire);
  checkReport(report);
  return report;
}

function fromWire<Message extends WebSocketOrder | WebSocketReport>(
  wire: MaybeWithBytes<Message | Bytes<Message>>,
): Message {
  return (wire instanceof WithBytes ? { ...wire.value, data: wire.bytes } : wire) as Message;
}
