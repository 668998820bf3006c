// One caught request, from the question what to do with it to the end of its answer.

import { AsyncResource } from "node:async_hooks";
import type { WebSocket } from "ws";
import { CrosswireError } from "../errors.ts";
import {
  type Answer,
  checkAnswer,
  checkOutcome,
  exceptionAnswer,
  type Outcome,
  type RequestPatch,
} from "../exchange/outcome.ts";
import type { RequestHead } from "../exchange/request.ts";
import { nodeClock } from "../node/node-clock.ts";
import { Abandonment } from "./abandonment.ts";
import { UndecidedRequest } from "./undecided-request.ts";
import type { Caught, Relay } from "./caught.ts";
import type { AcceptWebSocket, CapturedRequest, Decision, RelayWebSocket } from "./decision.ts";
import { internal } from "./context.ts";
import { networkError } from "./network-error.ts";
import { bodyOf, RequestBody } from "./request-body.ts";
import { sendAnswer } from "./send-answer.ts";
import type { Connection, VirtualOrigin } from "./virtual-origin.ts";
import { isWhole } from "./whole-answer.ts";
import { Witness } from "./witness.ts";

export interface ExchangeOptions {
  readonly head: RequestHead;
  readonly decide: (request: CapturedRequest) => Decision | Promise<Decision>;
  readonly timeoutMs: number;
  readonly onDecided: () => void;
  readonly sendsNothing: boolean;
}

export class Exchange {
  #caught: Caught;
  #origin: VirtualOrigin;
  #options: ExchangeOptions;
  #abandonment = new Abandonment();
  #connection: Connection | undefined;
  #body: RequestBody | undefined;
  #witness: Witness | undefined;
  #isDecided = false;
  #isRelayed = false;
  #isAnswered = false;
  #timer: unknown;
  /** Of the request. Whoever decides is in one of his own, and so is what he calls. */
  #context = new AsyncResource("CrosswireExchange", { requireManualDestroy: true });

  constructor(caught: Caught, origin: VirtualOrigin, options: ExchangeOptions) {
    this.#caught = caught;
    this.#origin = origin;
    this.#options = options;
  }

  ask(): void {
    const { head, decide, timeoutMs, sendsNothing } = this.#options;
    // It keeps the process alive too: there is somebody who waits.
    this.#timer = nodeClock.setTimer(() => {
      this.#settle(tooLate(head, timeoutMs));
      // Whoever decides need not go on.
      this.#abandonment.happen();
    }, timeoutMs);
    const request = new UndecidedRequest(head, {
      caught: this.#caught,
      abandonment: this.#abandonment,
      body: () => this.#readBody(),
      onNetworkEnd: (listener) => void (this.#witness = new Witness(listener)),
    });
    try {
      const decision = sendsNothing ? decide(request) : internal(() => decide(request));
      if (!isPromise(decision)) return this.#settle(decision);
      decision.then(
        (decided) => this.#settle(decided),
        (error: unknown) => this.#settle({ kind: "exception", error }),
      );
    } catch (error) {
      this.#settle({ kind: "exception", error });
    }
  }

  /** Nobody decides any more: it goes to the network. */
  release(): void {
    this.#settle({ kind: "passthrough" });
  }

  /** The client gave up. */
  abandon(): void {
    this.#finishDeciding();
    this.#abandonment.happen();
  }

  #finishDeciding(): boolean {
    if (this.#isDecided) return false;
    this.#isDecided = true;
    nodeClock.clearTimer(this.#timer);
    this.#options.onDecided();
    return true;
  }

  #settle(decision: Decision): void {
    if (!this.#finishDeciding()) return;
    this.#inContext(() => this.#carryOut(decision)).catch((error: unknown) => {
      this.#answer(exceptionAnswer(error)).catch((failure: unknown) => {
        // There is no way to answer it. Whichever of the two can, tells the client.
        this.#connection?.client.destroy();
        this.#caught.fail(failure as Error);
      });
    });
  }

  async #carryOut(decision: Decision): Promise<void> {
    if (decision?.kind === "accept" && this.#caught.client === "websocket") {
      return this.#accept(decision);
    }
    if (decision?.kind === "relay" && this.#caught.client === "websocket") {
      return this.#relayFrames(decision);
    }
    const outcome = checkOutcome(decision as Outcome, this.#caught.method);
    switch (outcome.kind) {
      case "respond":
        return this.#send(outcome);
      case "exception":
        return this.#answer(exceptionAnswer(outcome.error));
      case "error":
        return this.#fail(networkError(outcome, this.#caught.url));
      case "passthrough":
        return this.#pass(outcome.patch);
      case "unhandled":
        return this.#pass(undefined);
    }
  }

  #answer(answer: Answer): Promise<void> {
    return this.#send(checkAnswer(answer, this.#caught.method));
  }

  /** Of a checked answer. */
  async #send(answer: Answer): Promise<void> {
    if (this.#connection === undefined && isWhole(answer)) {
      if (this.#inContext(() => this.#caught.answer(answer))) return;
    }
    this.#body?.forget();
    const { request, response } = await this.#connect().arrival;
    response.once("finish", () => {
      this.#isAnswered = true;
      // What is left of the body is thrown away once the answer is complete, as on every server; also where somebody
      // began to read it.
      request.removeAllListeners("readable").resume();
    });
    return sendAnswer(response, answer);
  }

  #fail(error: Error): void {
    if (this.#connection === undefined) this.#caught.fail(error);
    else this.#connection.client.destroy(error);
  }

  async #accept(accept: AcceptWebSocket): Promise<void> {
    const arrival = await this.#connect().arrival;
    this.#isAnswered = true;
    arrival.accept(accept.protocol, (socket) => internal(() => accept.onSocket(socket)));
  }

  async #relayFrames(decision: RelayWebSocket): Promise<void> {
    // Few processes ever need it.
    const { WebSocketRelay } = await import("./websocket-relay.ts");
    const caught = this.#caught;
    const relay = new WebSocketRelay({
      url: caught.url,
      headers: this.#options.head.headers,
      signal: this.#abandonment.signal,
      dialOptions: () => caught.dialOptions(),
      accept: (protocol) => this.#acceptRelayed(protocol),
      refuse: (answer) => {
        this.#answer(answer).catch((error: unknown) => this.#fail(error as Error));
      },
      fail: (error) => this.#fail(error),
    });
    internal(() => decision.onRelay(relay));
  }

  async #acceptRelayed(protocol: string | undefined): Promise<WebSocket> {
    const arrival = await this.#connect().arrival;
    return new Promise((resolve) => {
      arrival.accept(protocol, (socket) => {
        this.#isAnswered = true;
        socket.pause();
        resolve(socket);
      });
    });
  }

  async #pass(patch: RequestPatch | undefined): Promise<void> {
    const isTouched = this.#connection !== undefined || this.#body?.isTouched === true;
    if (patch === undefined && !isTouched) return this.#caught.pass(this.#witness);
    if (this.#caught.client === "websocket") {
      throw new TypeError("A WebSocket passes through as it is, or not at all: it takes no patch.");
    }
    this.#isRelayed = true;
    this.#connection?.spare();
    const answer = this.#caught.relay(this.#relay(patch ?? {}));
    if (answer === undefined) return;
    try {
      await this.#answer(await answer);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #relay(patch: RequestPatch): Relay {
    const wholeBody = (): AsyncIterable<Uint8Array> => this.#ensureBody().whole();
    // Where the client hears the answer from elsewhere, the connection has served once it has brought the body.
    const body = this.#body?.isTouched === true ? this.#lastOf(wholeBody()) : undefined;
    return {
      patch,
      witness: this.#witness,
      signal: this.#abandonment.signal,
      body,
      arrival: () => this.#connect().arrival,
      wholeBody,
    };
  }

  async *#lastOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    try {
      yield* body;
    } finally {
      this.#isAnswered = true;
      this.#connection?.client.destroy();
    }
  }

  #readBody(): AsyncIterable<Uint8Array> {
    if (this.#caught.client === "websocket") throw new TypeError("A WebSocket has no body.");
    return this.#ensureBody().read();
  }

  #ensureBody(): RequestBody {
    this.#body ??= new RequestBody(() => this.#openBody());
    return this.#body;
  }

  async #openBody(): Promise<AsyncIterator<Uint8Array>> {
    if (this.#connection === undefined) {
      // It has gone its way without us.
      if (this.#isDecided) throw new CrosswireError("XW_CANCELLED");
      const atHand = this.#caught.body?.();
      if (atHand !== undefined) return atHand;
    }
    return bodyOf(await this.#connect().arrival);
  }

  #connect(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#inContext(() => this.#origin.connect(this.#caught.url));
    this.#connection = connection;
    connection.server.once("close", () => {
      if (!this.#isAnswered) this.abandon();
    });
    if (this.#isRelayed) connection.spare();
    this.#inContext(() => this.#caught.attach(connection.client));
    return connection;
  }

  #inContext<T>(run: () => T): T {
    return this.#context.runInAsyncScope(run);
  }
}

/** Of any realm: a test runner may have its own. */
function isPromise(decision: Decision | Promise<Decision>): decision is Promise<Decision> {
  return typeof (decision as Partial<Promise<Decision>> | undefined)?.then === "function";
}

function tooLate({ method, url }: RequestHead, timeoutMs: number): Outcome {
  const error = new CrosswireError(
    "XW_TIMEOUT",
    `${method} ${url.replace(/[?#].*$/s, "")} was not decided in ${timeoutMs} ms. Decide sooner, or raise decisionTimeoutMs.`,
  );
  return { kind: "exception", error };
}
