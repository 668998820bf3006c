// One conversation with paths or definitions on the outside and a channel on the inside.
// IPCServer holds one per client and IPCClient one per connection; by itself it wraps any `ws` WebSocket or transport.

import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { Answers } from "../channel/answers.ts";
import type { Caller } from "../channel/call-context.ts";
import type { CallOptions } from "../channel/caller.ts";
import { Channel } from "../channel/channel.ts";
import type { Endpoint } from "../channel/endpoint.ts";
import { type Handler, Handlers } from "../channel/handlers.ts";
import type { ItemStream, StreamOptions } from "../channel/opened-streams.ts";
import { CLOSE_CODE, type CloseReason, type Transport } from "../channel/transport.ts";
import type { Report, Undo } from "../lifetime.ts";
import { assertPositive, type Limits, resolveLimits } from "../limits.ts";
import type { Trace } from "../trace.ts";
import { definitionOf } from "../wire/definition.ts";
import { nodeTrace, warn } from "../node/diagnostics.ts";
import { backgroundClock, nodeClock } from "../node/node-clock.ts";
import { WebSocketTransport } from "./websocket-transport.ts";

/** What a server, a client and a bare socket have in common. */
export interface SharedOptions {
  readonly limits?: Partial<Limits>;
  /** Receives everything that happens; the same goes to node:diagnostics_channel. */
  readonly trace?: Trace;
  /** Receives what message handlers and listeners throw. By default it becomes a process warning. */
  readonly onHandlerError?: Report;
  /** Send stacks with errors. Off: they tell the other side about this machine. */
  readonly exposeStacks?: boolean;
  /** Shown to the other side, in errors and traces. */
  readonly name?: string;
  /** Whether being connected, or listening, keeps this process alive; true unless given. */
  readonly keepsAlive?: boolean;
}

export interface IPCSocketOptions extends SharedOptions {
  /** Whether the other side is Crosswire too. Off, only the base protocol is spoken. */
  readonly expectsHello?: boolean;
  /** Who the other side is, in words, for errors and traces. */
  readonly peer?: string;
  /** @internal What the sockets of one server or client share. */
  readonly endpoint?: Endpoint;
  /** @internal What handlers learn about the other side. */
  readonly caller?: Caller;
  /** @internal */
  readonly answersHello?: boolean;
  /** @internal */
  readonly holdsAfterHello?: boolean;
}

/**
 * A conversation over a WebSocket or any other transport.
 *
 * @example
 * const [here, there] = createMemoryPair()
 * const socket = new IPCSocket(here, { expectsHello: true })
 */
export class IPCSocket {
  /** @internal */
  readonly channel: Channel;
  readonly #handlers: Handlers;

  constructor(over: WebSocket | Transport, options: IPCSocketOptions = {}) {
    const endpoint = options.endpoint ?? createEndpoint(options);
    const { handlers, limits } = endpoint;
    this.#handlers = handlers;
    const transport = isTransport(over) ? over : new WebSocketTransport(over, { limits });
    this.channel = new Channel(transport, endpoint, {
      expectsHello: options.expectsHello ?? false,
      answersHello: options.answersHello ?? false,
      holdsAfterHello: options.holdsAfterHello ?? false,
      peer: options.peer ?? "the other side",
      caller: options.caller ?? {},
    });
  }

  /** Resolves when both sides know each other; at once where no hello is expected. */
  async ready(): Promise<void> {
    await this.channel.ready;
  }

  isConnected(): boolean {
    return this.channel.isOpen;
  }

  /** Sends a message; throws when that is not possible. */
  send(message: string, payload?: unknown): void {
    this.channel.caller.message(definitionOf("message", message), payload);
  }

  /** Resolves with the answer; rejects with a CrosswireError. */
  request(request: string, payload?: unknown, options?: number | CallOptions): Promise<unknown> {
    return this.channel.caller.call(
      definitionOf("request", request),
      payload,
      toCallOptions(options),
    );
  }

  /** The items that the other side produces; `break` stops it. */
  openStream(stream: string, payload?: unknown, options: StreamOptions = {}): ItemStream {
    return this.channel.caller.open(definitionOf("stream", stream), payload, options);
  }

  onMessage(message: string, handler: Handler): Undo {
    return this.#handlers.add(definitionOf("message", message), handler);
  }

  onRequest(request: string, handler: Handler): Undo {
    return this.#handlers.add(definitionOf("request", request), handler);
  }

  onStream(stream: string, handler: Handler): Undo {
    return this.#handlers.add(definitionOf("stream", stream), handler);
  }

  /** Called once, with the reason; also when this side closed. */
  onClose(listener: (reason: CloseReason) => void): Undo {
    let isListening = true;
    void this.channel.closed.then((reason) => isListening && listener(reason));
    return () => void (isListening = false);
  }

  /** Resolves when what was sent has left, as far as new sends need to wait for it. */
  async drain(): Promise<void> {
    await this.channel.outbox.room();
  }

  /** Lets what is in flight settle for up to `graceMs`, then closes. */
  async close(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.channel.close(CLOSE_CODE.normal, "closed", options.graceMs ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @internal */
export function createEndpoint(options: SharedOptions): Endpoint {
  const limits = resolveLimits(options.limits);
  const { keepsAlive = true } = options;
  const clock = keepsAlive ? nodeClock : backgroundClock;
  return {
    handlers: new Handlers(),
    answers: new Answers(limits, clock),
    limits,
    clock,
    keepsAlive,
    trace: nodeTrace(options.trace),
    report: options.onHandlerError ?? warn,
    identity: {
      instanceId: randomUUID(),
      pid: process.pid,
      ...(options.name === undefined ? {} : { name: options.name }),
    },
    exposeStacks: options.exposeStacks ?? false,
  };
}

const NO_OPTIONS: CallOptions = {};

/** The seed's third argument is a number of milliseconds. Throws TypeError for one that cannot be waited. */
export function toCallOptions(options: number | CallOptions | undefined): CallOptions {
  const settings = typeof options === "number" ? { timeoutMs: options } : (options ?? NO_OPTIONS);
  if (settings.timeoutMs !== undefined) assertPositive("timeoutMs", settings.timeoutMs);
  return settings;
}

function isTransport(over: WebSocket | Transport): over is Transport {
  return "bufferedBytes" in over;
}
