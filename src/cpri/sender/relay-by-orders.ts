// A caught WebSocket whose handlers are in a receiver: carries out its orders, and tells it what happens.

import type { WebSocketRelay } from "../../capture/websocket-relay.ts";
import type { WebSocketOrder } from "../../exchange/websocket.ts";
import { warn } from "../../node/diagnostics.ts";
import { keepAlive } from "../../node/keep-alive.ts";
import { Queue } from "../queue.ts";
import { orderFromWire, reportToWire, type WireOrder, type WireReport } from "../wire-frames.ts";

/** Until the WebSocket is over or the receiver is gone. `open` is given the reports. */
export async function relayByOrders(
  relay: WebSocketRelay,
  open: (reports: AsyncIterable<WireReport>) => AsyncIterator<WireOrder>,
): Promise<void> {
  const reports = new Queue<WireReport>();
  relay.listen((report) => {
    reports.put(reportToWire(report));
    if (report.kind === "end") reports.end();
  });
  // An open WebSocket keeps its process alive; the connection that its orders come by does not.
  const letGo = keepAlive();
  const orders = open(reports);
  const refused = await carryOut(orders, relay);
  letGo();
  relay.abandon();
  if (refused === undefined) return;
  warn(refused.error, "an order for a WebSocket");
  // Whoever gave it hears why, as the end of all reports, if they had no end yet.
  if (reports.isEnded) await orders.return?.();
  else reports.fail(refused.error);
}

/** Resolves when nobody decides any more; to what is wrong about an order that is none. */
async function carryOut(
  orders: AsyncIterator<WireOrder>,
  relay: WebSocketRelay,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    for (;;) {
      const next = await orders.next();
      if (next.done === true) return undefined;
      const order = orderOrError(next.value);
      if ("error" in order) return order;
      await relay.carryOut(order);
    }
  } catch {
    // The receiver is gone, or its handlers have failed.
    return undefined;
  }
}

function orderOrError(wire: WireOrder): WebSocketOrder | { readonly error: unknown } {
  try {
    return orderFromWire(wire);
  } catch (error) {
    return { error };
  }
}
