// One receiver as a sender knows it: the connection to it, what it wants to be asked about, and the asking. It ends
// with its connection.

import type { CapturedRequest } from "../../capture/decision.ts";
import { CrosswireError } from "../../errors.ts";
import type { WebSocketRelay } from "../../capture/websocket-relay.ts";
import { type Answer, discard, type Outcome } from "../../exchange/outcome.ts";
import type { Fields, RequestHead } from "../../exchange/request.ts";
import { IPCClient } from "../../ipc/client.ts";
import { nodeClock } from "../../node/node-clock.ts";
import { Wakefulness } from "../../node/wakefulness.ts";
import { WINDOW_BYTES } from "../body-limits.ts";
import {
  CPRI_VERSION,
  CpriIPC,
  type MaybeWithBytes,
  type Settled,
  type State,
  type Unhandled,
  type Verdict,
  type WireAnswer,
  type WireBody,
  type WireRequest,
} from "../cpri-ipc.ts";
import { checkState, checkWebSocketVerdict, checkWelcome } from "../check-frames.ts";
import { bodyOf, open } from "../wire-body.ts";
import { ReceivedBody } from "../wire-trailers.ts";
import { answerBody } from "./answer-body.ts";
import { relayByOrders } from "./relay-by-orders.ts";
import { Wishes } from "./wishes.ts";

export interface ReceiverAddress {
  /** Of the receiver's note; one that the environment names has its URL for an id. */
  readonly id: string;
  readonly url: string;
  readonly token?: string | undefined;
}

export interface AttachmentOptions {
  /** Of this sender. */
  readonly senderId: string;
  /** It wants other things than before. */
  readonly onChange: () => void;
  /** After it was attached. */
  readonly onLost: () => void;
}

/** A receiver that takes longer to say hello is stopped or blocked; nobody waits for it any more. */
const HELLO_TIMEOUT_MS = 2_000;
/** Over the time for a decision: the timer of the capture is the one that speaks. */
const SPARE_MS = 1_000;

export class Attachment {
  readonly id: string;
  /** In milliseconds since 1970; of the receiver. */
  startedAt = 0;
  readonly wishes: Wishes = new Wishes();
  #options: AttachmentOptions;
  #client: IPCClient;
  #isAttached = false;
  /** What came before the welcome was read. */
  #early: State[] = [];
  /** Their bodies may be asked for. */
  #asked = new Map<string, CapturedRequest>();
  #wakefulness = new Wakefulness();

  constructor({ id, url, token }: ReceiverAddress, options: AttachmentOptions) {
    this.#options = options;
    this.id = id;
    this.#client = new IPCClient(url, {
      ...(token === undefined ? {} : { token }),
      keepsAlive: false,
      waitForStart: false,
      limits: {
        helloTimeoutMs: HELLO_TIMEOUT_MS,
        connectTimeoutMs: HELLO_TIMEOUT_MS,
        streamWindowBytes: WINDOW_BYTES,
      },
    });
    this.#client.onFrameworkRequest(CpriIPC.state, (state) => this.#learn(state));
    this.#client.onStream(CpriIPC.requestBody, (asked) => this.#bodyOf(asked?.id));
    this.#client.onClose(() => this.#lost());
  }

  get isAttached(): boolean {
    return this.#isAttached;
  }

  /** Rejects with a CrosswireError that says why it is no receiver, or none that can be talked to. */
  async attach(): Promise<void> {
    const client = this.#client;
    await client.connect(this.#options.senderId);
    const hello = { protocol: CPRI_VERSION, pid: process.pid, title: process.title };
    const welcome = await client.sendFrameworkRequest(CpriIPC.hello, hello, HELLO_TIMEOUT_MS);
    if (welcome?.protocol !== CPRI_VERSION) throw otherVersion(this.id, welcome?.protocol);
    checkWelcome(welcome);
    this.startedAt = welcome.startedAt;
    for (const state of [welcome.state, ...this.#early]) this.wishes.learn(state);
    this.#isAttached = true;
    this.#options.onChange();
  }

  /** Rejects where the receiver is lost, or the request is over. At `dueAt` its client gets another answer. */
  async ask(
    request: CapturedRequest,
    wire: MaybeWithBytes<WireRequest>,
    dueAt: number,
  ): Promise<Outcome> {
    const { id, abandonment: signal } = request;
    this.#asked.set(id, request);
    const answered = this.#wakefulness.begin();
    let isStreaming = false;
    try {
      const timeoutMs = Math.max(dueAt - nodeClock.now(), 0) + SPARE_MS;
      const options = { timeoutMs, signal };
      const payload = await this.#client.sendFrameworkRequest(CpriIPC.request, wire, options);
      const { value, bytes } = open(payload);
      if (value.kind !== "respond" || !isStream(value.body)) return outcomeOf(value, bytes);
      // The handler may still be reading what the client sends.
      isStreaming = true;
      const answer = this.#streamed(value, request);
      if (nodeClock.now() >= dueAt) discard(answer.body);
      return answer;
    } finally {
      answered();
      if (!isStreaming) this.#asked.delete(id);
    }
  }

  /** Likewise; to whether one of its handlers has taken it. */
  async takesWebSocket(head: RequestHead): Promise<boolean> {
    const verdict = await this.#client.sendFrameworkRequest(CpriIPC.webSocketOpen, head);
    checkWebSocketVerdict(verdict);
    return verdict.kind === "handled";
  }

  /** Carries out its orders and tells it what happens, until the WebSocket is over or the receiver is gone. */
  relay({ id }: CapturedRequest, relay: WebSocketRelay): Promise<void> {
    return relayByOrders(relay, (upload) =>
      this.#client.openStream(CpriIPC.webSocketFrame, { id }, { upload }),
    );
  }

  /** Of a request about which it was not asked. */
  seen(wire: MaybeWithBytes<WireRequest>): void {
    this.#tell(() => this.#client.sendMessage(CpriIPC.seen, wire));
  }

  settled(settled: MaybeWithBytes<Settled>): void {
    this.#tell(() => this.#client.sendMessage(CpriIPC.settled, settled));
  }

  unhandled(unhandled: Unhandled): void {
    this.#tell(() => this.#client.sendMessage(CpriIPC.unhandled, unhandled));
  }

  async close(): Promise<void> {
    this.#isAttached = false;
    await this.#client.disconnect();
  }

  #lost(): void {
    if (!this.#isAttached) return;
    this.#isAttached = false;
    this.#options.onLost();
  }

  #learn(state: State): void {
    checkState(state);
    if (!this.#isAttached) return void this.#early.push(state);
    this.wishes.learn(state);
    this.#options.onChange();
  }

  #streamed(verdict: WireAnswer, { id, abandonment }: CapturedRequest): Answer {
    const { trailers, ...answer } = verdict;
    const received = new ReceivedBody(() => this.#client.openStream(CpriIPC.responseBody, { id }));
    const over = (): void => void this.#asked.delete(id);
    const body = answerBody(received, abandonment, { over });
    if (trailers === undefined) return { ...answer, body };
    return { ...answer, body, trailers: isFields(trailers) ? trailers : received.trailers };
  }

  /** SECURITY: only of what this receiver was asked about. */
  #bodyOf(id: string): AsyncIterable<Uint8Array> {
    const request = this.#asked.get(id);
    if (request === undefined) {
      throw new CrosswireError("XW_CANCELLED", `The request ${id} is over; its body is gone.`);
    }
    return request.body();
  }

  /** It may have gone at this very moment. */
  #tell(send: () => void): void {
    try {
      if (this.#isAttached) send();
    } catch {
      // Whoever is not there need not be told.
    }
  }
}

function outcomeOf(verdict: Verdict, bytes: Uint8Array | undefined): Outcome {
  switch (verdict.kind) {
    case "respond": {
      const { body: ridden, trailers, ...answer } = verdict;
      const body = bodyOf(ridden, bytes);
      if (trailers === undefined) return { ...answer, body };
      if (isFields(trailers)) return { ...answer, body, trailers };
      throw new TypeError(
        "An answer without a streamed body needs its trailers in pairs of strings.",
      );
    }
    case "exception":
      return { kind: "exception", error: Object.assign(new Error(), verdict.error) };
    default:
      return verdict;
  }
}

function isStream(body: WireBody | undefined): boolean {
  return body !== undefined && "stream" in body;
}

function isFields(trailers: NonNullable<WireAnswer["trailers"]>): trailers is Fields {
  return Array.isArray(trailers);
}

function otherVersion(id: string, version: unknown): CrosswireError {
  return new CrosswireError(
    "XW_VERSION",
    `The receiver ${id} speaks version ${String(version)} of the protocol, and this process version ${CPRI_VERSION}. Install the same version of crosswire in both.`,
  );
}
