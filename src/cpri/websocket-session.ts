// One caught WebSocket among those who handle it: makes orders of what they do, brings them what is reported, and lets
// go on what none of them holds back.

import type { RequestHead } from "../exchange/request.ts";
import {
  type CloseFrame,
  type FrameData,
  fittingReason,
  offeredProtocols,
  type Side,
  type WebSocketOrder,
  type WebSocketReport,
} from "../exchange/websocket.ts";
import type { Release, WebSocketConnection, WebSocketListener } from "./websocket-connection.ts";

const INTERNAL_ERROR = 1011;

export interface WebSocketSessionOptions {
  /** Takes the orders to the catching end; begins with those that are given before `begin`. */
  readonly order: (order: WebSocketOrder) => void;
  /** Told what a handler threw. */
  readonly onException: (error: unknown) => void;
}

export class WebSocketSession implements WebSocketConnection {
  readonly head: RequestHead;
  readonly location: URL;
  readonly protocols: readonly string[];
  #options: WebSocketSessionOptions;
  #listeners: WebSocketListener[] = [];
  #open: Set<Side> = new Set(["client"]);
  #isEnded = false;

  constructor(head: RequestHead, options: WebSocketSessionOptions) {
    this.head = head;
    this.location = new URL(head.url);
    this.protocols = offeredProtocols(head.headers);
    this.#options = options;
  }

  /** The handlers have returned. */
  begin(): void {
    this.#order({ kind: "begin" });
  }

  /** What the catching end reports, in order. */
  report(report: WebSocketReport): void {
    switch (report.kind) {
      case "frame": {
        const { from, data } = report;
        return this.#ask(report, (listener, release) => listener.onFrame(from, data, release));
      }
      case "close": {
        const { from, code, reason } = report;
        this.#open.delete(from);
        return this.#ask(report, (listener, release) => {
          listener.onClose(from, { code, reason }, release);
        });
      }
      case "failure":
        return this.#ask(report, (listener, release) => {
          listener.onServerError(report.message, release);
        });
      case "open":
        this.#open.add("server");
        return this.#tell((listener) => listener.onServerOpen());
      case "end":
        this.#isEnded = true;
    }
  }

  /** The catching end is gone, and with it both sides. */
  lose(): void {
    this.#isEnded = true;
    for (const from of this.#open) {
      this.#tell((listener) => listener.onClose(from, { code: 1006, reason: "" }, () => {}));
    }
    this.#open.clear();
  }

  listen(listener: WebSocketListener): void {
    this.#listeners.push(listener);
  }

  accept(protocol: string): void {
    this.#order({ kind: "accept", protocol });
  }

  connect(): void {
    this.#order({ kind: "connect" });
  }

  send(to: Side, data: FrameData): void {
    this.#order({ kind: "send", to, data });
  }

  close(to: Side, { code, reason }: CloseFrame): void {
    this.#order({ kind: "close", to, code, reason });
  }

  terminate(to: Side): void {
    this.#order({ kind: "terminate", to });
  }

  fail(error: unknown): void {
    const { message = String(error) } = Object(error) as Partial<Error>;
    this.close("client", { code: INTERNAL_ERROR, reason: fittingReason(message) });
    this.#options.onException(error);
  }

  #order(order: WebSocketOrder): void {
    if (!this.#isEnded) this.#options.order(order);
  }

  /** Released once all have released it. */
  #ask(
    { from, n }: Extract<WebSocketReport, { readonly n: number }>,
    hear: (listener: WebSocketListener, release: Release) => void,
  ): void {
    let missing = this.#listeners.length + 1;
    let isForwarded = true;
    const vote = (isFor: boolean): void => {
      isForwarded &&= isFor;
      if (--missing === 0) this.#order({ kind: "release", from, n, isForwarded });
    };
    this.#tell((listener) => {
      const release = once(vote);
      try {
        hear(listener, release);
      } catch (error) {
        release(false);
        throw error;
      }
    });
    vote(true);
  }

  #tell(hear: (listener: WebSocketListener) => void): void {
    for (const listener of [...this.#listeners]) {
      try {
        hear(listener);
      } catch (error) {
        this.fail(error);
      }
    }
  }
}

function once(vote: Release): Release {
  let isDone = false;
  return (isForwarded) => {
    if (isDone) return;
    isDone = true;
    vote(isForwarded);
  };
}
