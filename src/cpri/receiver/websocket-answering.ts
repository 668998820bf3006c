// What a receiver does with a WebSocket that it is asked about: its handlers take it or not, and who takes it gives
// orders and hears reports until it is over.

import { internal } from "../../capture/context.ts";
import type { CallContext } from "../../channel/call-context.ts";
import { CrosswireError } from "../../errors.ts";
import type { RequestHead } from "../../exchange/request.ts";
import type { WebSocketOrder } from "../../exchange/websocket.ts";
import { backgroundClock } from "../../node/node-clock.ts";
import type { WebSocketVerdict } from "../cpri-ipc.ts";
import type { HandlerScopes } from "../handler-scopes.ts";
import { Queue } from "../queue.ts";
import { fromWire, orderToWire, type WireOrder, type WireReport } from "../wire-frames.ts";
import { WebSocketSession } from "../websocket-session.ts";

interface Taken {
  readonly session: WebSocketSession;
  readonly orders: Queue<WebSocketOrder>;
  readonly timer: unknown;
}

/** A sender asks for the frames at once, unless its client has just gone. */
const OPEN_WITHIN_MS = 10_000;

export class WebSocketAnswering {
  #scopes: HandlerScopes;
  #onException: (error: unknown, url: string) => void;
  /** By sender and request: taken, but the sender has not asked for the frames yet. */
  #taken = new Map<string, Taken>();

  constructor(scopes: HandlerScopes, onException: (error: unknown, url: string) => void) {
    this.#scopes = scopes;
    this.#onException = onException;
  }

  open(head: RequestHead, { runtimeId = "" }: CallContext): WebSocketVerdict {
    const orders = new Queue<WebSocketOrder>();
    const session = new WebSocketSession(head, {
      order: (order) => orders.put(order),
      onException: (error) => this.#onException(error, head.url),
    });
    const handlers = this.#scopes.webSockets(head.contextId);
    const taking = internal(() => handlers.filter((handler) => handler.open(session) === true));
    if (taking.length === 0) return { kind: "unhandled" };
    session.begin();
    const key = keyOf(runtimeId, head.id);
    const timer = backgroundClock.setTimer(() => this.#discard(key), OPEN_WITHIN_MS);
    this.#taken.set(key, { session, orders, timer });
    return { kind: "handled" };
  }

  /** Both directions, as long as the WebSocket is open. */
  async *frames(id: string, context: CallContext<WireReport>): AsyncGenerator<WireOrder, void> {
    const { session, orders } = this.#take(keyOf(context.runtimeId ?? "", id));
    void this.#hear(session, orders, context.upload);
    try {
      for await (const order of orders) yield orderToWire(order);
    } finally {
      internal(() => session.lose());
    }
  }

  close(): void {
    for (const key of this.#taken.keys()) this.#discard(key);
  }

  async #hear(
    session: WebSocketSession,
    orders: Queue<WebSocketOrder>,
    reports: AsyncIterable<WireReport>,
  ): Promise<void> {
    try {
      for await (const report of reports) internal(() => session.report(fromWire(report)));
    } catch {
      // The sender is gone, which the end of the queue tells.
    } finally {
      orders.end();
    }
  }

  #take(key: string): Taken {
    const taken = this.#remove(key);
    if (taken !== undefined) return taken;
    throw new CrosswireError(
      "XW_CANCELLED",
      "There is no such WebSocket, or it was opened already.",
    );
  }

  #discard(key: string): void {
    this.#remove(key)?.session.lose();
  }

  #remove(key: string): Taken | undefined {
    const taken = this.#taken.get(key);
    this.#taken.delete(key);
    if (taken !== undefined) backgroundClock.clearTimer(taken.timer);
    return taken;
  }
}

function keyOf(senderId: string, id: string): string {
  return `${senderId}\n${id}`;
}
