// The side that connects: it finds the server by its port, names itself, and asks and answers.

import type { Endpoint } from "../channel/endpoint.ts";
import type { CallOptions } from "../channel/caller.ts";
import type { HandlerOf } from "../channel/handlers.ts";
import { failedStream, type ItemStream, type StreamOptions } from "../channel/opened-streams.ts";
import { systemClock } from "../channel/clock.ts";
import { CLOSE_CODE } from "../channel/transport.ts";
import type { CrosswireError } from "../errors.ts";
import { Listeners, type Undo } from "../lifetime.ts";
import type {
  DefineMessage,
  DefineRequest,
  DefineStream,
  DefinitionOptions,
  IPCClientMessage,
  IPCClientRequest,
  IPCClientStream,
  IPCServerMessage,
  IPCServerRequest,
  IPCServerStream,
  PayloadAnd,
} from "../wire/definition-types.ts";
import { define, type Definition, definitionOf } from "../wire/definition.ts";
import { Connection, type Loss } from "./connection.ts";
import { type Connector, createLink, notConnected } from "./connector.ts";
import { createBackoff, maySendAgain, type ReconnectOptions } from "./reconnect.ts";
import { createEndpoint, type IPCSocket, type SharedOptions, toCallOptions } from "./socket.ts";

export interface IPCClientOptions extends SharedOptions {
  /** Needed only where the server's runtime file cannot be read: other users, containers, machines. */
  readonly token?: string;
  /** Off by default: a lost connection then only tells onClose(). `{}` takes the defaults. */
  readonly reconnect?: ReconnectOptions;
  /** Whether connect() waits for a server that is just starting; true unless given. */
  readonly waitForStart?: boolean;
}

/**
 * A client of the server at a port, a URL, or whatever a function connects it to.
 * Without an address: CROSSWIRE_URL, else the default port.
 *
 * @example
 * const client = new IPCClient()
 * await client.connect("worker-1")
 * await client.sendFrameworkRequest(greet, "world")
 */
export class IPCClient {
  /** Declares a request that clients answer. With schemas its types are inferred. */
  static readonly defineRequest: DefineRequest<"client"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("request", path, options);
  /** Declares a message to clients. */
  static readonly defineMessage: DefineMessage<"client"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("message", path, options);
  /** Declares a stream that clients produce; `Upload` is what the server may send along. */
  static readonly defineStream: DefineStream<"client"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("stream", path, options);

  #endpoint: Endpoint;
  #connection: Connection;
  #label: string;
  #isReconnecting: boolean;
  #closed: Listeners<[Loss]>;
  #reconnected: Listeners<[]>;

  constructor(address?: number | string | Connector, options: IPCClientOptions = {}) {
    this.#endpoint = createEndpoint(options);
    const { limits, report } = this.#endpoint;
    const { token, waitForStart: waitsForStart = true } = options;
    const link = createLink({ address, token, limits, waitsForStart });
    this.#label = link.label;
    this.#isReconnecting = options.reconnect !== undefined;
    this.#closed = new Listeners("an onClose listener", report);
    this.#reconnected = new Listeners("an onReconnect listener", report);
    this.#connection = new Connection({
      link,
      endpoint: this.#endpoint,
      backoff: options.reconnect === undefined ? undefined : createBackoff(options.reconnect),
      onLoss: (loss) => this.#closed.emit(loss),
      onReconnect: () => this.#reconnected.emit(),
    });
  }

  /** Resolves when both sides know each other; at once when connected. `runtimeId` lets the server address this client. */
  connect(runtimeId?: string): Promise<void> {
    return this.#connection.open(runtimeId);
  }

  isConnected(): boolean {
    return this.#connection.socket?.isConnected() ?? false;
  }

  /** Lets what was sent arrive and what is in flight settle for up to `graceMs` (0), then closes. */
  async disconnect(options: { readonly graceMs?: number } = {}): Promise<void> {
    await this.#connection.close(CLOSE_CODE.normal, options.graceMs ?? 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect();
  }

  /** Sends a request to the server. Resolves with its answer; rejects with a CrosswireError. */
  sendFrameworkRequest<Req, Res, HReq, HRes>(
    request: IPCServerRequest<Req, Res, HReq, HRes>,
    ...[payload, options]: PayloadAnd<NoInfer<Req>, [options?: number | CallOptions]>
  ): Promise<Res> {
    const settings = toCallOptions(options);
    const { socket } = this.#connection;
    let answer: Promise<unknown>;
    if (this.#isReconnecting)
      answer = this.#persist(definitionOf("request", request), payload, settings);
    else if (socket === undefined) answer = Promise.reject(this.#notConnected(request));
    else answer = socket.request(request, payload, settings);
    return answer as Promise<Res>;
  }

  /** Sends a message to the server. Throws when that is not possible. */
  sendMessage<P, HP>(
    message: IPCServerMessage<P, HP>,
    ...[payload]: PayloadAnd<NoInfer<P>, []>
  ): void {
    this.#socket(message).send(message, payload);
  }

  /** Opens a stream that the server produces. Errors are thrown where it is read. */
  openStream<Req, Item, Upload, HReq, HItem>(
    stream: IPCServerStream<Req, Item, Upload, HReq, HItem>,
    ...[payload, options]: PayloadAnd<NoInfer<Req>, [options?: StreamOptions<Upload>]>
  ): ItemStream<Item> {
    const { socket } = this.#connection;
    const items =
      socket === undefined
        ? failedStream(this.#notConnected(stream))
        : socket.openStream(stream, payload, options as StreamOptions);
    return items as ItemStream<Item>;
  }

  /** Answers a request of the server; before or after connect(), and across reconnects. */
  onFrameworkRequest<Req, Res, HReq, HRes>(
    request: IPCClientRequest<Req, Res, HReq, HRes>,
    handler: HandlerOf<HReq, HRes>,
  ): Undo {
    return this.#endpoint.handlers.add(definitionOf("request", request), handler);
  }

  /** Listens to a message of the server. All listeners of a message hear it. */
  onMessage<P, HP>(message: IPCClientMessage<P, HP>, handler: HandlerOf<HP, unknown>): Undo {
    return this.#endpoint.handlers.add(definitionOf("message", message), handler);
  }

  /** Produces a stream for the server: an async generator, run once per opening. */
  onStream<Req, Item, Upload, HReq, HItem>(
    stream: IPCClientStream<Req, Item, Upload, HReq, HItem>,
    handler: HandlerOf<HReq, AsyncIterable<HItem> | Iterable<HItem>, Upload>,
  ): Undo {
    return this.#endpoint.handlers.add(definitionOf("stream", stream), handler);
  }

  /** Called when the connection ends without disconnect(); `loss` tells why, and whether it comes back by itself. */
  onClose(listener: (loss: Loss) => unknown): Undo {
    return this.#closed.add(listener);
  }

  /** Called when a lost connection is back. */
  onReconnect(listener: () => unknown): Undo {
    return this.#reconnected.add(listener);
  }

  /** Resolves when what was sent has left, as far as new sends need to wait for it. */
  async drain(): Promise<void> {
    await this.#connection.socket?.drain();
  }

  #socket(path: string): IPCSocket {
    const { socket } = this.#connection;
    if (socket === undefined) throw this.#notConnected(path);
    return socket;
  }

  #notConnected(path: string): CrosswireError {
    return this.#connection.lastError(path) ?? notConnected(this.#label, JSON.stringify(path));
  }

  /** With reconnect: waits for the connection, and sends again what cannot have run or may run twice. */
  async #persist(definition: Definition, payload: unknown, options: CallOptions): Promise<unknown> {
    const { path, idempotent } = definition;
    const timeoutMs =
      options.timeoutMs ?? definition.timeoutMs ?? this.#endpoint.limits.callTimeoutMs;
    const dueAt = systemClock.now() + timeoutMs;
    for (;;) {
      const socket = await this.#connection.whenOpen(path, dueAt, options.signal);
      try {
        const remainingMs = Math.max(1, dueAt - systemClock.now());
        // The usual case keeps the very timeout it was given: the default one need not be sent along.
        const left = timeoutMs - remainingMs < 1 ? timeoutMs : remainingMs;
        return await socket.request(path, payload, { ...options, timeoutMs: left });
      } catch (error) {
        const isIdempotent = idempotent || options.idempotencyKey !== undefined;
        if (!this.#connection.isWanted || !maySendAgain(error, isIdempotent)) throw error;
      }
    }
  }
}
