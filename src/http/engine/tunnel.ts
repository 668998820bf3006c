// One WebSocket through the proxy: the handshake is passed on, then bytes go both ways untouched.
// Frames are neither read nor written, but for one: when the proxy closes, both ends are told so.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { CrosswireError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import { type Carried, Connection } from "./connection.ts";
import { editFields } from "./edit-fields.ts";
import type { ForwardOptions, ProxyOutcome } from "./engine.ts";
import { badEdit, clientGone, misspoke, tooSlow } from "./failures.ts";
import type { UpstreamHead } from "./response-head.ts";
import { Stopwatch } from "./stopwatch.ts";
import type { ProxyTarget } from "./target.ts";
import type { RefusalBody, TunnelClient } from "./tunnel-client.ts";
import { TunnelFlow } from "./tunnel-flow.ts";

export interface TunnelSettings {
  readonly target: ProxyTarget;
  readonly limits: Limits;
  readonly editResponse: ForwardOptions["editResponse"];
  readonly onOver: (outcome: ProxyOutcome) => void;
}

type Phase = "connecting" | "asking" | "refused" | "open" | "closing" | "over";

/** What a client may say before the target agreed. More stays in its socket. */
const MAX_EARLY_BYTES = 65_536;
/** So that a peer that vanished without a word is noticed. */
const TCP_KEEP_ALIVE_MS = 30_000;

export class Tunnel implements Carried {
  readonly isHead = false;
  readonly isSent = false;
  #handshake: TunnelClient;
  #client: Duplex;
  #request: string;
  #settings: TunnelSettings;
  #connection: Connection;
  #up: TunnelFlow;
  #down: TunnelFlow;
  #phase: Phase = "connecting";
  #early: Buffer[];
  #earlyBytes: number;
  #refusal: RefusalBody | undefined;
  #stopwatch = new Stopwatch();
  #status = 0;
  #resume = (): void => this.#connection.resume();
  #listeners: readonly (readonly [event: string, listener: (chunk: Buffer) => void])[] = [
    ["data", (chunk) => this.#fromClient(chunk)],
    ["end", () => this.#onClientEnd()],
    ["close", () => this.#onClientClose()],
  ];

  constructor(handshake: TunnelClient, early: Buffer, request: string, settings: TunnelSettings) {
    const { stream: client } = handshake;
    this.#handshake = handshake;
    this.#client = client;
    this.#request = request;
    this.#settings = settings;
    this.#early = early.length === 0 ? [] : [early];
    this.#earlyBytes = early.length;
    this.#connection = new Connection({
      target: settings.target,
      maxHeadBytes: settings.limits.maxHeadBytes,
      onFree: (connection) => connection.close(),
      onClosed: () => {},
    });
    this.#up = new TunnelFlow(this.#connection.socket, true);
    this.#down = new TunnelFlow(client, false);
  }

  open(): void {
    for (const [event, listener] of this.#listeners) this.#client.on(event, listener);
    this.#connection.carry(this);
  }

  /** Tells both ends that the proxy goes away, each as soon as the frame it is receiving is whole. */
  drain(): void {
    if (this.#phase !== "open") return;
    this.#down.drain();
    this.#up.drain();
  }

  cancel(failure: CrosswireError): void {
    if (this.#phase === "over") return;
    if (this.#status !== 0) this.#client.destroy();
    this.#connection.close();
    this.#end(failure);
  }

  onOpen(): void {
    this.#enter("asking");
    // SECURITY: nothing follows this head before the target agreed; it would be read as another request.
    this.#connection.socket.write(this.#request, "latin1");
  }

  onDrain(): void {
    this.#client.resume();
  }

  onInterim(): void {}

  onSwitch(head: UpstreamHead): void {
    if (head.upgrade.toLowerCase() !== "websocket") {
      const failure = misspoke(this.#settings.target, "a 101 to another protocol than WebSocket");
      return this.#connection.fail(failure);
    }
    const fields = this.#edited(head);
    if (fields === undefined) return;
    try {
      this.#handshake.accept(head, fields);
    } catch (error) {
      const failure = misspoke(this.#settings.target, (error as Error).message);
      return this.#connection.fail(failure);
    }
    this.#status = 101;
    this.#enter("open");
    for (const socket of [this.#client, this.#connection.socket]) keepOpen(socket);
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#fromClient(chunk);
    this.#client.resume();
  }

  onRaw(chunk: Buffer): boolean {
    this.#stopwatch.moved();
    this.#down.pass(chunk);
    if (this.#client.writableLength === 0 || this.#down.isShut) return true;
    // HOT: a callback only where one is needed, benchmarks/proxy.
    this.#client.write("", this.#resume);
    return false;
  }

  onRawEnd(): void {
    this.#down.end();
  }

  onWhole(head: UpstreamHead, body: string): void {
    this.onHead(head);
    this.onData(Buffer.from(body, "latin1"));
  }

  onHead(head: UpstreamHead): void {
    const fields = this.#edited(head);
    if (fields === undefined) return;
    this.#status = head.status;
    this.#enter("refused");
    this.#refusal = this.#handshake.refuse(head, fields);
  }

  onData(chunk: Buffer): boolean {
    this.#stopwatch.moved();
    this.#down.bytes += chunk.length;
    return this.#refusal?.send(chunk, this.#resume) ?? true;
  }

  onPause(): void {}

  onEnd(): void {
    this.#refusal?.end();
    this.#end();
  }

  onFailure(failure: CrosswireError): void {
    const hasEnded = this.#client.readableEnded && this.#connection.socket.readableEnded;
    if (this.#phase === "closing" || (this.#phase === "open" && hasEnded)) return this.#end();
    if (this.#status !== 0) this.#client.destroy();
    this.#end(failure);
  }

  overdue(now: number): CrosswireError | undefined {
    const { limits, target } = this.#settings;
    const waitedMs = this.#stopwatch.stillMs(now);
    const late = (what: string, limit: TimeLimit): CrosswireError | undefined =>
      waitedMs > limits[limit] ? tooSlow(target, what, limit, limits[limit]) : undefined;
    switch (this.#phase) {
      case "connecting":
        return late("took no connection", "proxyConnectTimeoutMs");
      case "asking":
        return late("sent no response", "proxyUpgradeTimeoutMs");
      case "open":
        // Half a tunnel is on its way out.
        if (this.#up.isShut || this.#down.isShut)
          return late("came to no end", "proxyIdleTimeoutMs");
        return late("and its client said nothing", "tunnelIdleMs");
      case "refused":
      case "closing":
        return late("came to no end", "proxyIdleTimeoutMs");
      case "over":
        return undefined;
    }
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#stopwatch.moved();
  }

  /** Undefined when the hook that edits the head failed, and with it the tunnel. */
  #edited(head: UpstreamHead): readonly string[] | undefined {
    const { editResponse } = this.#settings;
    try {
      return editResponse === undefined ? head.fields : editFields(head, editResponse);
    } catch (error) {
      this.#connection.fail(badEdit(error));
      return undefined;
    }
  }

  #fromClient(chunk: Buffer): void {
    if (this.#phase === "open") {
      this.#stopwatch.moved();
      if (!this.#up.pass(chunk)) this.#client.pause();
    } else if (this.#phase === "connecting" || this.#phase === "asking") {
      this.#early.push(chunk);
      this.#earlyBytes += chunk.length;
      if (this.#earlyBytes > MAX_EARLY_BYTES) this.#client.pause();
    }
  }

  /** A client that ends before it was answered has left; later, only its half of the tunnel is done. */
  #onClientEnd(): void {
    if (this.#phase === "open") this.#up.end();
    else this.cancel(clientGone());
  }

  /** Nothing can reach the client any more. What it said before still reaches the target. */
  #onClientClose(): void {
    if (this.#phase !== "open" || !this.#client.readableEnded) return this.cancel(clientGone());
    this.#enter("closing");
    this.#connection.socket.end(() => {
      this.#connection.close();
      this.#end();
    });
  }

  #end(failure?: CrosswireError): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    for (const [event, listener] of this.#listeners) this.#client.off(event, listener);
    const isUntouched = this.#status === 0;
    if (isUntouched) this.#giveBack();
    this.#settings.onOver({
      status: this.#status,
      bytesUp: this.#up.bytes,
      bytesDown: this.#down.bytes,
      ...(failure === undefined ? {} : { failure, isUntouched }),
    });
  }

  /** What the client said early is put back, for whoever answers it now. */
  #giveBack(): void {
    this.#client.pause();
    if (this.#client.destroyed || this.#client.readableEnded) return;
    for (const chunk of this.#early.reverse()) this.#client.unshift(chunk);
  }
}

type TimeLimit =
  | "proxyConnectTimeoutMs"
  | "proxyUpgradeTimeoutMs"
  | "proxyIdleTimeoutMs"
  | "tunnelIdleMs";

/** Sockets of an HTTP server are timed; a WebSocket may be silent for long. */
function keepOpen(duplex: Duplex): void {
  if (!(duplex instanceof Socket)) return;
  duplex.setTimeout(0);
  duplex.setNoDelay(true);
  duplex.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
}
