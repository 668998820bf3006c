// Both ends of a handled WebSocket in one process: what they say to each other goes as plain data, a turn later.

import { onTestFinished } from "vitest";
import type { RequestHead } from "../../../src/exchange/request.ts";
import type { WebSocketOrder, WebSocketReport } from "../../../src/exchange/websocket.ts";
import type { Decision } from "../../../src/capture/decision.ts";
import type { WebSocketHandler } from "../../../src/cpri/handler.ts";
import { WebSocketSession } from "../../../src/cpri/websocket-session.ts";
import { capture } from "../../capture/world.ts";
import { type Inbox, inbox } from "../../fixtures/wait.ts";

export interface Joined {
  /** What handlers threw. */
  readonly exceptions: Inbox<unknown>;
  /** What the catching end was ordered, and what it reported. */
  readonly orders: WebSocketOrder[];
  readonly reports: Inbox<WebSocketReport>;
}

/** Until the test ends, WebSockets of this process are for these handlers; others pass through. */
export function handle(...handlers: readonly WebSocketHandler[]): Joined {
  const joined: Joined = {
    exceptions: inbox<unknown>("an exception"),
    orders: [],
    reports: inbox<WebSocketReport>("a report"),
  };
  capture(
    () => {
      throw new Error("Only WebSockets are expected.");
    },
    { decideWebSocket: (head) => decide(head, handlers, joined) },
  );
  return joined;
}

function decide(
  { id, method, url, headers, client }: RequestHead,
  handlers: readonly WebSocketHandler[],
  { exceptions, orders, reports }: Joined,
): Decision {
  const down = pipe<WebSocketOrder>();
  const session = new WebSocketSession(
    { id, method, url, headers, client },
    {
      order: (order) => {
        orders.push(order);
        down.put(order);
      },
      onException: exceptions.put,
    },
  );
  const opened = handlers.map((handler) => handler.open(session));
  if (!opened.includes(true)) return { kind: "passthrough" };
  session.begin();
  return {
    kind: "relay",
    onRelay: (relay) => {
      const up = pipe<WebSocketReport>();
      relay.listen((report) => up.put(report));
      up.drain((report) => {
        reports.put(report);
        session.report(report);
      });
      down.drain((order) => relay.carryOut(order));
      onTestFinished(() => relay.abandon());
    },
  };
}

interface Pipe<T> {
  put(value: T): void;
  drain(to: (value: T) => unknown): void;
}

function pipe<T>(): Pipe<T> {
  const waiting: T[] = [];
  let isDraining = false;
  let sink: ((value: T) => unknown) | undefined;
  const run = async (): Promise<void> => {
    if (isDraining || sink === undefined) return;
    isDraining = true;
    while (waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      for (const value of waiting.splice(0)) await sink(value);
    }
    isDraining = false;
  };
  return {
    put: (value) => {
      waiting.push(structuredClone(value));
      void run();
    },
    drain: (to) => {
      sink = to;
      void run();
    },
  };
}
