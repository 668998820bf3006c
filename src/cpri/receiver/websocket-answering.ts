// What a receiver does with a WebSocket that it is asked about: its handlers take it or not, and who takes it gives
// orders and hears reports until it is over.

import { internal } from "../../capture/context.ts";
import type { CallContext } from "../../channel/call-context.ts";
import { CrosswireError, isCrosswireError } from "../../errors.ts";
import type { RequestHead } from "../../exchange/request.ts";
import type { WebSocketOrder } from "../../exchange/websocket.ts";
import type { Report } from "../../lifetime.ts";
import type { WebSocketVerdict } from "../cpri-ipc.ts";
import type { HandlerScopes } from "../handler-scopes.ts";
import { Queue } from "../queue.ts";
import { orderToWire, reportFromWire, type WireOrder, type WireReport } from "../wire-frames.ts";
import { WebSocketSession } from "../websocket-session.ts";
import { Pickup } from "./pickup.ts";

interface Taken {
  readonly session: WebSocketSession;
  readonly orders: Queue<WebSocketOrder>;
}

/** A handler that sends on while nothing leaves is stopped before it fills the memory. */
const MAX_WAITING_ORDERS = 100_000;

export class WebSocketAnswering {
  #scopes: HandlerScopes;
  #onException: Report;
  /** The sender has not asked for their frames yet. */
  #taken = new Pickup<Taken>(({ session }) => session.lose());

  constructor(scopes: HandlerScopes, onException: Report) {
    this.#scopes = scopes;
    this.#onException = onException;
  }

  open(head: RequestHead, { runtimeId = "" }: CallContext): WebSocketVerdict {
    const orders = new Queue<WebSocketOrder>();
    const where = `a handler of the WebSocket to ${head.url}`;
    const onException = (error: unknown): void => this.#onException(error, where);
    const session = new WebSocketSession(head, {
      order: (order) => this.#order(orders, order, onException),
      onException,
    });
    const handlers = this.#scopes.webSockets(head.contextId);
    const taking = internal(() => handlers.filter((handler) => handler.open(session) === true));
    if (taking.length === 0) return { kind: "unhandled" };
    session.begin();
    this.#taken.keep(runtimeId, head.id, { session, orders });
    return { kind: "handled" };
  }

  /** Both directions, as long as the WebSocket is open. */
  async *frames(id: string, context: CallContext<WireReport>): AsyncGenerator<WireOrder, void> {
    const { session, orders } = this.#taken.take(context.runtimeId ?? "", id);
    void this.#hear(session, orders, context.upload);
    try {
      for await (const order of orders) yield orderToWire(order);
    } finally {
      internal(() => session.lose());
    }
  }

  /** A sender is gone. */
  forget(senderId: string): void {
    this.#taken.dropOf(senderId);
  }

  close(): void {
    this.#taken.close();
  }

  #order(
    orders: Queue<WebSocketOrder>,
    order: WebSocketOrder,
    onException: (error: unknown) => void,
  ): void {
    if (orders.isEnded || orders.length < MAX_WAITING_ORDERS) return orders.put(order);
    orders.end();
    const text = `More than ${MAX_WAITING_ORDERS} frames of a WebSocket wait to be sent. Send no faster than the application reads.`;
    onException(new CrosswireError("XW_LIMIT", text));
  }

  async #hear(
    session: WebSocketSession,
    orders: Queue<WebSocketOrder>,
    reports: AsyncIterable<WireReport>,
  ): Promise<void> {
    try {
      for await (const wire of reports) {
        const report = reportFromWire(wire);
        internal(() => session.report(report));
      }
      orders.end();
    } catch (error) {
      // The sender is gone; or it has told what nobody can read, and hears so; or it could not read an order.
      const isGone = isCrosswireError(error) && error.code !== "XW_REMOTE";
      if (isGone) return orders.end();
      this.#onException(error, `the other end of the WebSocket to ${session.head.url}`);
      orders.fail(error);
    }
  }
}
