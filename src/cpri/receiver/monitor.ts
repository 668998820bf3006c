// Sees every request that a receiver is asked about, from the question to its end: for the life-cycle events, for
// whoever waits for a request, and for whoever waits until there is none.

import type { Outcome } from "../../exchange/outcome.ts";
import { CrosswireError } from "../../errors.ts";
import { nodeClock } from "../../node/node-clock.ts";
import type { Asked } from "../asked-request.ts";
import { Changes } from "../changes.ts";
import type { MaybeWithBytes, Settled, Verdict } from "../cpri-ipc.ts";
import type { BodyEvents } from "../outgoing-body.ts";
import { SeenBody } from "../../capture/seen-body.ts";
import { open } from "../wire-body.ts";
import type { LifeCycle, RequestEvent } from "./life-cycle.ts";
import { requestKey } from "./pickup.ts";
import { responseOf } from "./seen-response.ts";

type Waiter = (request: Asked) => void;

export class Monitor {
  #events: LifeCycle;
  #pidOf: (senderId: string) => number;
  /** Those that are being decided, by sender and id. */
  #deciding = new Map<string, Asked>();
  /** How many wait until there is none. */
  #idlers = 0;
  #changes = new Changes();
  /** While somebody listens: those whose end is not known yet. */
  #seen = new Map<string, Seen>();
  #waiters = new Set<Waiter>();

  constructor(events: LifeCycle, pidOf: (senderId: string) => number) {
    this.#events = events;
    this.#pidOf = pidOf;
  }

  /** HOT: benchmarks/cpri. Returns what to call with the outcome. */
  begin(request: Asked, senderId: string): Seen | undefined {
    const key = requestKey(senderId, request.id);
    this.#deciding.set(key, request);
    if (this.#idlers > 0) this.#listenTo(request);
    for (const waiter of [...this.#waiters]) waiter(request);
    if (!this.#events.isWatched) {
      // Senders no longer tell how those end.
      if (this.#seen.size > 0) this.#seen.clear();
      return undefined;
    }
    const seen = new Seen(request, this.#pidOf(senderId), this.#events);
    this.#seen.set(key, seen);
    return seen;
  }

  end({ id }: Asked, senderId: string): void {
    this.#deciding.delete(requestKey(senderId, id));
    this.#changes.happened();
  }

  /** With what rides along of its body, also of one that a handler gave as a stream. */
  answered({ id }: Asked, senderId: string, verdict: MaybeWithBytes<Verdict>): void {
    if (this.#seen.size === 0) return;
    const { value, bytes } = open(verdict);
    const body = value.kind === "respond" ? value.body : undefined;
    const seen = body !== undefined && "text" in body ? Buffer.from(body.text) : bytes;
    if (seen !== undefined) this.#seen.get(requestKey(senderId, id))?.answered(seen);
  }

  /** Whose body is streamed: who is to see what goes by. */
  streamed({ id }: Asked, senderId: string): BodyEvents | undefined {
    return this.#seen.get(requestKey(senderId, id))?.streamed();
  }

  settled(settled: Settled, bytes: Uint8Array | undefined, senderId: string): void {
    const key = requestKey(senderId, settled.id);
    this.#seen.get(key)?.settled(settled, bytes);
    this.#seen.delete(key);
    this.#changes.happened();
  }

  /** A sender is gone: nothing more is heard of its requests. */
  forget(senderId: string): void {
    const beginning = requestKey(senderId, "");
    for (const map of [this.#seen, this.#deciding]) {
      for (const key of map.keys()) if (key.startsWith(beginning)) map.delete(key);
    }
    this.#changes.happened();
  }

  /** Rejects with XW_TIMEOUT. */
  async idle(contextId: string | undefined, timeoutMs: number): Promise<void> {
    const left = (): number => this.#countOf(contextId);
    this.#idlers++;
    for (const request of this.#deciding.values()) this.#listenTo(request);
    const isIdle = await this.#changes.until(() => left() === 0, timeoutMs);
    this.#idlers--;
    if (isIdle) return;
    const text = `Requests were still being answered after ${timeoutMs} ms: ${left()} of them. Wait for what they wait for, or raise idle({ timeoutMs }).`;
    throw new CrosswireError("XW_TIMEOUT", text);
  }

  /** The first request from now on that `isMeant`. Rejects with XW_TIMEOUT. */
  next(isMeant: (request: Asked) => boolean, what: string, timeoutMs: number): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        this.#waiters.delete(waiter);
        nodeClock.clearTimer(timer);
      };
      const waiter: Waiter = (request) => {
        try {
          if (!isMeant(request)) return;
          // Its handler may answer before whoever waits has read it.
          request.keepBody();
          resolve(request);
        } catch (error) {
          reject(error);
        }
        stop();
      };
      const timer = nodeClock.setTimer(() => {
        stop();
        const text = `No request ${what} came within ${timeoutMs} ms. Is the application started with crosswire/register, and attached (remote.senders())?`;
        reject(new CrosswireError("XW_TIMEOUT", text));
      }, timeoutMs);
      this.#waiters.add(waiter);
    });
  }

  get isWaitedFor(): boolean {
    return this.#waiters.size > 0;
  }

  /** A client that gave up waits for nothing, however long its handler goes on. */
  #listenTo({ signal }: Asked): void {
    signal.addEventListener("abort", () => this.#changes.happened(), { once: true });
  }

  #countOf(contextId: string | undefined): number {
    const counts = (request: Asked): boolean =>
      (contextId === undefined || request.contextId === contextId) && !request.signal.aborted;
    return [...this.#deciding.values()].filter(counts).length;
  }
}

/** One request, and what was told of it. */
export class Seen {
  #request: Asked;
  #event: RequestEvent;
  #events: LifeCycle;
  #outcome: Outcome = { kind: "unhandled" };
  #isEnded = false;
  #isStreaming = false;
  /** What is told when the stream is over. */
  #late: (() => void) | undefined;

  constructor(request: Asked, pid: number, events: LifeCycle) {
    this.#request = request;
    this.#events = events;
    this.#event = eventOf(request, pid);
    events.emit("request:start", this.#event);
  }

  decided(outcome: Outcome): void {
    this.#outcome = outcome;
    if (outcome.kind === "unhandled" || this.#isEnded) return;
    if (outcome.kind === "exception") {
      this.#events.emit("unhandledException", with_(this.#event, { error: outcome.error }));
    } else this.#events.emit("request:match", this.#event);
    this.#end();
  }

  answered(body: Uint8Array): void {
    if (this.#outcome.kind === "respond") this.#outcome = { ...this.#outcome, body };
  }

  /** Undefined where the whole body is known, however it is sent. */
  streamed(): BodyEvents | undefined {
    if (this.#outcome.kind !== "respond" || this.#outcome.body instanceof Uint8Array) {
      return undefined;
    }
    const body = new SeenBody();
    this.#isStreaming = true;
    const over = (): void => {
      this.#isStreaming = false;
      this.answered(body.bytes());
      this.#late?.();
    };
    return { piece: body.add, over };
  }

  settled(settled: Settled, bytes: Uint8Array | undefined): void {
    const { source, ms, error } = settled;
    // The client gave up, so nobody need decide any more.
    if (error?.code === "XW_CANCELLED") return this.#end();
    if (this.#outcome.kind === "unhandled") {
      this.#events.emit(source === "network" ? "request:unhandled" : "request:match", this.#event);
      this.#end();
    }
    const tell = (): void => {
      const response = responseOf(this.#outcome, settled, bytes, this.#request.method);
      if (response === undefined) return;
      const name = source === "network" ? "response:bypass" : "response:mocked";
      this.#events.emit(name, with_(this.#event, { response, ms }));
    };
    if (this.#isStreaming) this.#late = tell;
    else tell();
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#events.emit("request:end", this.#event);
  }
}

function eventOf(request: Asked, pid: number): RequestEvent {
  const { id: requestId, contextId } = request;
  return {
    requestId,
    pid,
    ...(contextId === undefined ? {} : { contextId }),
    get request() {
      return request.toRequest();
    },
  };
}

/** A spread would call the getter. */
function with_<More extends object>(event: RequestEvent, more: More): RequestEvent & More {
  return Object.defineProperties(more, Object.getOwnPropertyDescriptors(event)) as RequestEvent &
    More;
}
