// A caught WebSocket whose frames somebody else decides about: carries out orders, reports what happens, and holds what
// comes in until it is released. Without a connection to the real server it is a mock, with one it spies and transforms.

import type { RequestOptions } from "node:http";
import type { WebSocket } from "ws";
import { CrosswireError } from "../errors.ts";
import { type Answer, exceptionAnswer } from "../exchange/outcome.ts";
import type { Fields } from "../exchange/request.ts";
import {
  offeredProtocols,
  type Side,
  type WebSocketOrder,
  type WebSocketReport,
} from "../exchange/websocket.ts";
import { type Dialled, dialWebSocket } from "./websocket-dial.ts";
import { type DialFailure, type Held, type HoldLimits, WebSocketLane } from "./websocket-lane.ts";
import { WebSocketLeg } from "./websocket-leg.ts";

/** Of each side. Above, nothing more is read from it until some of it is released. */
const HOLD_LIMITS: HoldLimits = { maxHeldFrames: 1_024, maxHeldBytes: 4_194_304 };

/** The application's WebSocket, whose handshake is not answered yet. */
export interface WaitingClient {
  readonly url: string;
  readonly headers: Fields;
  /** Aborts when it gives up before it was answered. */
  readonly signal: AbortSignal;
  /** How the application would have connected. */
  dialOptions(): RequestOptions;
  /** Rejects when it has given up. */
  accept(protocol: string | undefined): Promise<WebSocket>;
  refuse(answer: Answer): void;
  fail(error: Error): void;
}

export class WebSocketRelay {
  #waiting: WaitingClient;
  #client: WebSocketLeg;
  #server: WebSocketLeg | undefined;
  /** While the real server is dialled. */
  #dialling: AbortController | undefined;
  #lanes: Record<Side, WebSocketLane>;
  #report: (report: WebSocketReport) => void = () => {};
  /** What the application gets; "" for none. Undefined: what the real server chooses, or the first one offered. */
  #protocol: string | undefined;
  #offered: readonly string[];
  #isBegun = false;
  /** Whether the answer depends on the real server, which has not answered yet. */
  #isServerAwaited = false;
  #isAnswered = false;
  #isAbandoned = false;
  #isEnded = false;

  constructor(client: WaitingClient, limits: HoldLimits = HOLD_LIMITS) {
    this.#waiting = client;
    this.#offered = offeredProtocols(client.headers);
    this.#lanes = {
      client: new WebSocketLane(limits, (held, goes) => this.#carryOn("client", held, goes)),
      server: new WebSocketLane(limits, (held, goes) => this.#carryOn("server", held, goes)),
    };
    this.#client = this.#newLeg("client");
    const { signal } = client;
    signal.addEventListener("abort", () => this.#client.over(1006, ""), { once: true });
  }

  /** Before the first order: who hears what happens. */
  listen(report: (report: WebSocketReport) => void): void {
    this.#report = report;
  }

  /** The promise, if there is one, says when there is room for more: whoever brings orders from afar waits for it. */
  carryOut(order: WebSocketOrder): Promise<void> | undefined {
    if (order.kind === "send") return this.#send(order.to, order.data);
    this.#obey(order);
    return undefined;
  }

  /** Nobody decides any more: with a real server it goes on untouched, a mock ends. */
  abandon(): void {
    if (this.#isAbandoned || this.#isEnded) return;
    this.#isAbandoned = true;
    this.#report = () => {};
    const isMock = this.#server === undefined || this.#server.isOver;
    const lost = "Whoever handled this WebSocket is gone.";
    if (isMock && !this.#isBegun) {
      this.#isAnswered = true;
      this.#waiting.refuse(exceptionAnswer(new CrosswireError("XW_CONNECTION_LOST", lost)));
    } else if (isMock) {
      this.#client.close(1011, lost);
    }
    this.#isBegun = true;
    for (const lane of Object.values(this.#lanes)) lane.releaseAll(true);
    this.#answer();
    this.#regulate();
  }

  #obey(order: Exclude<WebSocketOrder, { readonly kind: "send" }>): void {
    switch (order.kind) {
      case "accept":
        this.#protocol = order.protocol;
        return;
      case "begin":
        this.#isBegun = true;
        return this.#answer();
      case "connect":
        return this.#connect();
      case "close":
        return this.#close(order.to, order.code, order.reason);
      case "terminate":
        return this.#close(order.to, 1006, "");
      case "release":
        return this.#release(order.from, order.n, order.isForwarded);
    }
  }

  #send(to: Side, data: string | Uint8Array): Promise<void> | undefined {
    const leg = this.#legOf(to);
    const isBinary = typeof data !== "string";
    leg?.send(isBinary ? data : Buffer.from(data), isBinary);
    this.#regulate();
    return leg?.room();
  }

  #connect(): void {
    if (this.#isEnded || (this.#server !== undefined && !this.#server.isOver)) return;
    const leg = this.#newLeg("server");
    const dialling = new AbortController();
    this.#server = leg;
    this.#dialling = dialling;
    this.#isServerAwaited = !this.#isAnswered;
    const { url, headers } = this.#waiting;
    // Who was answered already has a subprotocol, and the server has to agree to it.
    const chosen = this.#isAnswered ? [this.#protocol ?? this.#offered[0] ?? ""] : this.#offered;
    const protocols = chosen.filter((protocol) => protocol !== "");
    const options = this.#waiting.dialOptions();
    void dialWebSocket({ url, headers, protocols, options }, dialling.signal).then((dialled) => {
      if (this.#dialling === dialling) this.#dialled(leg, dialled);
      else giveUp(dialled);
    });
  }

  #dialled(leg: WebSocketLeg, dialled: Dialled): void {
    this.#dialling = undefined;
    if (dialled.kind === "open") {
      this.#isServerAwaited = false;
      this.#protocol ??= dialled.socket.protocol;
      this.#tell({ kind: "open" });
      this.#answer();
      return leg.open(dialled.socket);
    }
    // As nothing was open, there is nothing to close.
    this.#server = undefined;
    const message = messageOf(dialled);
    this.#hold("server", { kind: "failure", failure: dialled }, (n) => {
      return { kind: "failure", from: "server", n, message };
    });
  }

  /** Once the handlers have returned, and the real server has answered if it was asked. */
  #answer(): void {
    if (this.#isAnswered || !this.#isBegun || this.#isServerAwaited) return;
    this.#isAnswered = true;
    this.#protocol ??= this.#offered[0] ?? "";
    this.#waiting.accept(this.#protocol === "" ? undefined : this.#protocol).then(
      (socket) => this.#client.open(socket),
      () => this.#client.over(1006, ""),
    );
  }

  #newLeg(side: Side): WebSocketLeg {
    return new WebSocketLeg({
      frame: (data, isBinary) => {
        this.#hold(side, { kind: "frame", data, isBinary }, (n) => {
          return { kind: "frame", from: side, n, data: isBinary ? data : data.toString() };
        });
      },
      close: (code, reason) => {
        if (side === "client") this.#isAnswered = true;
        this.#hold(side, { kind: "close", close: { code, reason } }, (n) => {
          return { kind: "close", from: side, n, code, reason };
        });
      },
      drain: () => this.#regulate(),
    });
  }

  #hold(from: Side, held: Held, report: (n: number) => WebSocketReport): void {
    const lane = this.#lanes[from];
    const n = lane.hold(held);
    this.#regulate();
    if (this.#isAbandoned) this.#release(from, n, true);
    else this.#tell(report(n));
  }

  #release(from: Side, n: number, isForwarded: boolean): void {
    this.#lanes[from].release(n, isForwarded);
    this.#regulate();
    this.#endIfOver();
  }

  #carryOn(from: Side, held: Held, isForwarded: boolean): void {
    const to = from === "client" ? "server" : "client";
    if (held.kind === "failure") this.#carryOnFailure(held.failure, isForwarded);
    else if (!isForwarded) return;
    else if (held.kind === "frame") this.#legOf(to)?.send(held.data, held.isBinary);
    else this.#close(to, held.close.code, held.close.reason);
  }

  #carryOnFailure(failure: DialFailure, isForwarded: boolean): void {
    this.#isServerAwaited = false;
    const isTold = isForwarded && !this.#isAnswered;
    if (failure.kind === "refused" && !isTold) failure.discard();
    if (!isForwarded) return this.#answer();
    if (!isTold) return this.#client.terminate();
    this.#isAnswered = true;
    if (failure.kind === "refused") this.#waiting.refuse(failure.answer);
    else this.#waiting.fail(failure.error);
    this.#client.over(1006, "");
  }

  #close(to: Side, code: number, reason: string): void {
    if (to === "server" && code === 1006 && this.#dialling !== undefined) {
      this.#dialling.abort();
      this.#dialling = undefined;
      this.#isServerAwaited = false;
      this.#server?.over(1006, "");
      return this.#answer();
    }
    this.#legOf(to)?.close(code, reason);
  }

  #legOf(side: Side): WebSocketLeg | undefined {
    return side === "client" ? this.#client : this.#server;
  }

  /** Reads no more from a side than the other side takes, and whoever decides. */
  #regulate(): void {
    const { client, server } = this.#lanes;
    this.#client.pause(client.isFull || this.#server?.checkCongested() === true);
    this.#server?.pause(server.isFull || this.#client.checkCongested());
  }

  #tell(report: WebSocketReport): void {
    if (!this.#isEnded) this.#report(report);
  }

  #endIfOver(): void {
    const { client, server } = this.#lanes;
    const isServerOver = this.#server === undefined || this.#server.isOver;
    if (!this.#client.isOver || !isServerOver || !client.isEmpty || !server.isEmpty) return;
    this.#tell({ kind: "end" });
    this.#isEnded = true;
  }
}

function messageOf(failure: DialFailure): string {
  if (failure.kind === "failed") return failure.error.message;
  return `The server refused the WebSocket with the status ${failure.answer.status}.`;
}

/** What was dialled for nobody. */
function giveUp(dialled: Dialled): void {
  if (dialled.kind === "open") dialled.socket.terminate();
  else if (dialled.kind === "refused") dialled.discard();
}
