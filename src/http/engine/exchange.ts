// One HTTP exchange under way: a client on one side, a connection to the target on the other.
// Everything that can end it comes together here, and it ends once.

import type { CrosswireError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import type { ClientHead, ClientSide } from "./client-side.ts";
import type { Carried, Connection } from "./connection.ts";
import type { ForwardOptions, ProxyOutcome } from "./engine.ts";
import { editFields } from "./edit-fields.ts";
import { badEdit, bodyTooLarge, clientGone, tooSlow } from "./failures.ts";
import { safeTrailers } from "./fields.ts";
import type { Pool } from "./pool.ts";
import type { RequestHead } from "./request-head.ts";
import type { UpstreamHead } from "./response-head.ts";
import { Stopwatch } from "./stopwatch.ts";
import { Upload, type UploadEvents } from "./upload.ts";

const SAFE_TO_REPEAT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

/** What all exchanges of an engine share. */
export interface ExchangeHome {
  readonly limits: Limits;
  onOver(): void;
}

/** What is one exchange's own. */
export interface ExchangeParts {
  readonly client: ClientSide;
  readonly head: RequestHead;
  readonly pool: Pool;
  readonly options: ForwardOptions | undefined;
  readonly settle: (outcome: ProxyOutcome) => void;
}

type Phase = "waiting" | "connecting" | "sending" | "awaiting" | "receiving" | "over";

export class Exchange implements Carried, UploadEvents {
  readonly isHead: boolean;
  #client: ClientSide;
  #head: RequestHead;
  #home: ExchangeHome;
  #parts: ExchangeParts;
  #upload: Upload | undefined;
  #connection: Connection | undefined;
  #phase: Phase = "waiting";
  #stopwatch = new Stopwatch();
  #isRetried = false;
  #isEventStream = false;
  #hasSentBody = false;
  #status = 0;
  #bytesDown = 0;

  constructor(home: ExchangeHome, parts: ExchangeParts) {
    const { client, head } = parts;
    this.#home = home;
    this.#parts = parts;
    this.#client = client;
    this.#head = head;
    this.isHead = client.source.method === "HEAD";
    if (head.framing !== "none")
      this.#upload = new Upload(client, head, home.limits.maxProxiedBodyBytes, this);
    // HOT: a client is gone after each exchange, and an error is dear, benchmarks/proxy.
    client.onGone(() => {
      if (!this.isOver) this.cancel(clientGone());
    });
  }

  get isSent(): boolean {
    return this.#upload === undefined || this.#upload.isDone;
  }

  get isOver(): boolean {
    return this.#phase === "over";
  }

  /** Gives the exchange the connection that carries it. */
  ride(connection: Connection): void {
    this.#connection = connection;
    this.#enter("connecting");
    connection.carry(this);
  }

  /** Ends it, whatever it is doing. */
  cancel(failure: CrosswireError): void {
    if (this.#phase === "over") return;
    if (this.#connection === undefined) this.#fail(failure);
    else this.#connection.fail(failure);
  }

  onOpen(): void {
    const { socket } = this.#connection as Connection;
    this.#enter(this.isSent ? "awaiting" : "sending");
    if (this.#upload === undefined) socket.write(this.#parts.head.text, "latin1");
    else this.#upload.start(socket);
  }

  onDrain(): void {
    this.#upload?.drain();
  }

  onProgress(): void {
    this.#moved();
    if (this.#phase === "sending" && this.isSent) this.#enter("awaiting");
  }

  onTooLarge(): void {
    this.#connection?.fail(bodyTooLarge(this.#home.limits.maxProxiedBodyBytes));
  }

  onInterim(head: UpstreamHead): void {
    if (head.status !== 100) this.#client.sendInterim(head);
    else if (this.#head.expectsContinue) this.#client.sendContinue();
  }

  onWhole(head: UpstreamHead, body: string): void {
    const edited = this.#edited(head);
    if (edited === undefined) return;
    this.#status = head.status;
    this.#bytesDown = body.length;
    this.#client.sendWhole(edited, body, !this.isSent);
  }

  onHead(head: UpstreamHead): void {
    const edited = this.#edited(head);
    if (edited === undefined) return;
    this.#status = head.status;
    this.#isEventStream = head.isEventStream;
    this.#enter("receiving");
    this.#client.onWritten(() => this.#onWritten());
    this.#client.sendHead(edited, !this.isSent);
  }

  onData(chunk: Buffer): boolean {
    this.#hasSentBody = true;
    this.#bytesDown += chunk.length;
    this.#moved();
    return this.#client.send(chunk);
  }

  onPause(): void {
    // HOT: head and first bytes leave together where both are there, benchmarks/proxy.
    if (!this.#hasSentBody) this.#client.flush();
  }

  onEnd(trailers: readonly string[]): void {
    // A whole response was ended with its head.
    if (this.#phase === "receiving") this.#client.end(safeTrailers(trailers));
    this.#end(this.#outcome());
  }

  onFailure(failure: CrosswireError, isStale: boolean): void {
    this.#connection = undefined;
    const isRepeatable = isStale && !this.#isRetried && this.isSent && this.#upload === undefined;
    if (isRepeatable && SAFE_TO_REPEAT.has(this.#client.source.method)) {
      this.#isRetried = true;
      this.#parts.pool.carryAnew(this);
      return;
    }
    this.#fail(failure);
  }

  /** What has taken too long by `now`. */
  overdue(now: number): CrosswireError | undefined {
    const { limits } = this.#home;
    const { pool } = this.#parts;
    const { target } = pool;
    const stillMs = this.#stopwatch.stillMs(now);
    const late = (limit: TimeLimit): boolean => stillMs > limits[limit];
    if (this.#stopwatch.totalMs(now) > limits.proxyTotalTimeoutMs)
      return tooSlow(target, "was not done", "proxyTotalTimeoutMs", limits.proxyTotalTimeoutMs);
    switch (this.#phase) {
      case "waiting":
      case "connecting":
        if (!late("proxyConnectTimeoutMs")) return undefined;
        return pool.lateFailure(this.#phase, limits.proxyConnectTimeoutMs);
      case "awaiting":
        if (!late("proxyHeadTimeoutMs")) return undefined;
        return tooSlow(target, "sent no response", "proxyHeadTimeoutMs", limits.proxyHeadTimeoutMs);
      case "sending":
      case "receiving":
        if (this.#isEventStream || !late("proxyIdleTimeoutMs")) return undefined;
        return tooSlow(target, "moved nothing", "proxyIdleTimeoutMs", limits.proxyIdleTimeoutMs);
      case "over":
        return undefined;
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#moved();
  }

  #moved(): void {
    this.#stopwatch.moved();
  }

  #onWritten(): void {
    this.#moved();
    this.#connection?.resume();
  }

  /** The head for the client; undefined when the hook that edits it failed, and with it the exchange. */
  #edited(head: UpstreamHead): ClientHead | undefined {
    const edit = this.#parts.options?.editResponse;
    if (edit === undefined) return head;
    try {
      return { ...head, fields: editFields(head, edit) };
    } catch (error) {
      this.#connection?.fail(badEdit(error));
      return undefined;
    }
  }

  #fail(failure: CrosswireError): void {
    if (this.#phase === "over") return;
    const isUntouched = this.#status === 0 && this.#upload?.isStarted !== true;
    if (this.#status !== 0) this.#client.abort();
    this.#end({ ...this.#outcome(), failure, isUntouched });
  }

  #outcome(): ProxyOutcome {
    const bytesUp = this.#upload?.bytes ?? 0;
    return { status: this.#status, bytesUp, bytesDown: this.#bytesDown };
  }

  #end(outcome: ProxyOutcome): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#upload?.stop();
    this.#connection = undefined;
    this.#home.onOver();
    this.#parts.settle(outcome);
  }
}

type TimeLimit =
  | "proxyTotalTimeoutMs"
  | "proxyConnectTimeoutMs"
  | "proxyHeadTimeoutMs"
  | "proxyIdleTimeoutMs";
