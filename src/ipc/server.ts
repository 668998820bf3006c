// The side that listens: it knows its clients by runtimeId, answers their requests and sends them its own.

import type { Endpoint } from "../channel/endpoint.ts";
import type { CallOptions } from "../channel/caller.ts";
import { failedStream, type ItemStream, type StreamOptions } from "../channel/opened-streams.ts";
import { CLOSE_CODE } from "../channel/transport.ts";
import { CrosswireError, isCrosswireError } from "../errors.ts";
import { controlSurface } from "../http/control-surface.ts";
import { Front } from "../http/front.ts";
import { Gate } from "../http/gate.ts";
import { listen, type Place } from "../http/listener.ts";
import { type InterceptHttp, Intercepts } from "../http/intercept/intercepts.ts";
import { RouteProxy, type RouteProxyResolver } from "../http/proxy/route-proxy.ts";
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
import { define, definitionOf } from "../wire/definition.ts";
import { DEFAULT_PORT, keyOf } from "./address.ts";
import { IPC_PATH } from "./own-traffic.ts";
import { broadcast } from "./broadcast.ts";
import { type ClientInfo, ClientTable, type ConnectedClient } from "./client-table.ts";
import { type IPCServerOptions, placeOf, tokenOf } from "./server-options.ts";
import { removeRuntimeFile, writeRuntimeFile } from "./runtime-file.ts";
import type { HandlerOf } from "../channel/handlers.ts";
import { createEndpoint, toCallOptions } from "./socket.ts";
import { acceptUpgrades } from "./upgrade.ts";

/**
 * A server that clients find by its port alone.
 *
 * @example
 * const server = new IPCServer()
 * server.onFrameworkMessage(greet, async (name) => `Hello ${name}`)
 * if (!(await server.start())) console.log("another process has the port")
 */
export class IPCServer {
  /** Declares a request that the server answers. With schemas its types are inferred. */
  static readonly defineRequest: DefineRequest<"server"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("request", path, options);
  /** Declares a message to the server. */
  static readonly defineMessage: DefineMessage<"server"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("message", path, options);
  /** Declares a stream that the server produces; `Upload` is what a client may send along. */
  static readonly defineStream: DefineStream<"server"> = (
    path: string,
    options?: DefinitionOptions,
  ) => define("stream", path, options);

  /**
   * Answers HTTP requests of this method and path: a mock, or a spy that forwards them. Returns the undo.
   * A later handler takes over.
   *
   * @example
   * server.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ id, name: "Mock User" }))
   */
  readonly interceptHttp: InterceptHttp;
  /** Whether there was an intercept of this method and path. */
  readonly removeInterceptHttp: Intercepts["remove"];
  /** 256 random bits, new for each server unless given. Clients on this machine find it by themselves. */
  readonly token: string;
  #place: Place;
  #endpoint: Endpoint;
  #clients: ClientTable;
  #routeProxy: RouteProxy;
  #front: Front;
  #connected: Listeners<[ClientInfo]>;
  #disconnected: Listeners<[ClientInfo]>;
  #port: number | undefined;
  #state: "new" | "listening" | "closed" = "new";
  #starting: Promise<boolean> | undefined;
  #closing: Promise<void> | undefined;

  constructor(port: number = DEFAULT_PORT, options: IPCServerOptions = {}) {
    this.#place = placeOf(port, options);
    this.token = tokenOf(options, this.#place);
    this.#endpoint = createEndpoint(options);
    const { limits, report, trace } = this.#endpoint;
    this.#clients = new ClientTable(limits);
    this.#connected = new Listeners("an onClientConnect listener", report);
    this.#disconnected = new Listeners("an onClientDisconnect listener", report);
    const gate = new Gate({ ...options, token: this.token }, () => this.#port);
    const accept = acceptUpgrades(this.#endpoint, {
      isOpen: () => this.#state === "listening" && !this.#clients.isFull,
      onArrival: (socket) => this.#clients.expect(socket),
      onGone: (socket) => this.#clients.forget(socket),
      onClient: (client) => this.#admit(client),
    });
    const intercepts = new Intercepts(limits);
    this.interceptHttp = intercepts.add;
    this.removeInterceptHttp = intercepts.remove;
    this.#routeProxy = new RouteProxy({ limits, sinks: trace, token: this.token });
    const control = controlSurface(gate, IPC_PATH, accept);
    // In the order in which they are asked.
    this.#front = new Front(gate, limits, [control, intercepts, this.#routeProxy]);
  }

  /** Resolves to true when this server now listens, to false when the port is held by another. Rejects with XW_LISTEN. */
  async start(): Promise<boolean> {
    if (this.#state === "listening") return true;
    if (this.#state === "closed")
      throw new CrosswireError(
        "XW_CLOSED",
        "A closed server cannot start again; create a new one.",
      );
    this.#starting = listen(this.#front.server, this.#place, () => {
      this.#state = "listening";
      if (!this.#endpoint.keepsAlive) this.#front.server.unref();
      const address = this.#front.server.address();
      if (typeof address === "object" && address !== null) this.#port = address.port;
      this.#writeRuntimeFile();
    });
    return this.#starting;
  }

  /** The port it listens on; 0 before start() and on Unix sockets. */
  getPort(): number {
    return this.#port ?? 0;
  }

  /** `http://127.0.0.1:<port>`, or `ws+unix:<path>`; empty before start(). */
  getUrl(): string {
    if (this.#state === "new") return "";
    if ("socketPath" in this.#place) return `ws+unix:${this.#place.socketPath}`;
    const { host } = this.#place;
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.getPort()}`;
  }

  /** What a child process needs in its environment for `new IPCClient()` to find this server. */
  get env(): { readonly CROSSWIRE_URL: string; readonly CROSSWIRE_TOKEN: string } {
    return { CROSSWIRE_URL: this.getUrl(), CROSSWIRE_TOKEN: this.token };
  }

  /** Answers a request of clients. A later handler of the same request takes over. */
  onFrameworkMessage<Req, Res, HReq, HRes>(
    request: IPCServerRequest<Req, Res, HReq, HRes>,
    handler: HandlerOf<HReq, HRes>,
  ): Undo {
    return this.#endpoint.handlers.add(definitionOf("request", request), handler);
  }

  /** Listens to a message of clients. All listeners of a message hear it. */
  onMessage<P, HP>(message: IPCServerMessage<P, HP>, handler: HandlerOf<HP, unknown>): Undo {
    return this.#endpoint.handlers.add(definitionOf("message", message), handler);
  }

  /** Produces a stream for clients: an async generator, run once per opening. */
  onStream<Req, Item, Upload, HReq, HItem>(
    stream: IPCServerStream<Req, Item, Upload, HReq, HItem>,
    handler: HandlerOf<HReq, AsyncIterable<HItem> | Iterable<HItem>, Upload>,
  ): Undo {
    return this.#endpoint.handlers.add(definitionOf("stream", stream), handler);
  }

  /** Sends a request to the client of this runtimeId. Resolves with its answer; rejects with a CrosswireError. */
  sendFrameworkMessage<Req, Res, HReq, HRes>(
    runtimeId: string,
    request: IPCClientRequest<Req, Res, HReq, HRes>,
    ...[payload, options]: PayloadAnd<NoInfer<Req>, [options?: number | CallOptions]>
  ): Promise<Res> {
    const settings = toCallOptions(options);
    try {
      return this.#clients
        .get(runtimeId)
        .socket.request(request, payload, settings) as Promise<Res>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Sends a message to the client of this runtimeId. Throws when that is not possible. */
  sendMessage<P, HP>(
    runtimeId: string,
    message: IPCClientMessage<P, HP>,
    ...[payload]: PayloadAnd<NoInfer<P>, []>
  ): void {
    this.#clients.get(runtimeId).socket.send(message, payload);
  }

  /** Sends a message to all clients, or those that `filter` wants. Returns to how many it was sent. */
  broadcast<P, HP>(
    message: IPCClientMessage<P, HP>,
    payload: NoInfer<P>,
    filter?: (client: ClientInfo) => boolean,
  ): number {
    const definition = definitionOf("message", message);
    const { maxDepth } = this.#endpoint.limits;
    return broadcast(this.#clients.all(), definition, payload, maxDepth, filter);
  }

  /** Opens a stream that the client of this runtimeId produces. Errors are thrown where it is read. */
  openStream<Req, Item, Upload, HReq, HItem>(
    runtimeId: string,
    stream: IPCClientStream<Req, Item, Upload, HReq, HItem>,
    ...[payload, options]: PayloadAnd<NoInfer<Req>, [options?: StreamOptions<Upload>]>
  ): ItemStream<Item> {
    let items: ItemStream;
    try {
      items = this.#clients
        .get(runtimeId)
        .socket.openStream(stream, payload, options as StreamOptions);
    } catch (error) {
      if (!isCrosswireError(error)) throw error;
      items = failedStream(error);
    }
    return items as ItemStream<Item>;
  }

  /** Who is connected now. */
  clients(): ClientInfo[] {
    return this.#clients.all().map(({ info }) => info);
  }

  /** Passes on the HTTP and WebSocket traffic that nothing else here takes; undefined switches it off. */
  setRouteProxyResolver(resolver: RouteProxyResolver | undefined): void {
    this.#routeProxy.set(resolver);
  }

  onClientConnect(listener: (client: ClientInfo) => unknown): Undo {
    return this.#connected.add(listener);
  }

  onClientDisconnect(listener: (client: ClientInfo) => unknown): Undo {
    return this.#disconnected.add(listener);
  }

  /** Resolves when what was sent to this client has left, as far as new sends need to wait for it. */
  async drain(runtimeId: string): Promise<void> {
    await this.#clients.get(runtimeId).socket.drain();
  }

  /** Tells the clients, lets what is in flight settle for up to `graceMs`, then closes everything. */
  close(options: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(options.graceMs ?? this.#endpoint.limits.closeGraceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(graceMs: number): Promise<void> {
    // Node does not close what only begins to listen.
    if (this.#state === "new") await this.#starting?.catch(() => {});
    const wasListening = this.#state === "listening";
    if (wasListening) removeRuntimeFile(this.#runtimeKey(), this.#endpoint.identity.instanceId);
    this.#state = "closed";
    const stopped = this.#front.stop();
    const { goingAway } = CLOSE_CODE;
    await Promise.all([
      this.#routeProxy.close(graceMs),
      ...this.#clients
        .sockets()
        .map(({ channel }) => channel.close(goingAway, "the server is closing", graceMs)),
    ]);
    // What is left are plain HTTP connections and unfinished handshakes.
    this.#front.cutConnections();
    await stopped;
  }

  #admit(client: ConnectedClient): void {
    const { info, socket } = client;
    const superseded = this.#clients.add(client);
    superseded?.socket.channel.end({
      error: new CrosswireError(
        "XW_SUPERSEDED",
        `A newer connection took over the runtimeId ${JSON.stringify(info.runtimeId)}.`,
      ),
      closeCode: CLOSE_CODE.superseded,
    });
    void socket.channel.closed.then(() => {
      this.#clients.remove(client);
      this.#disconnected.emit(info);
    });
    this.#connected.emit(info);
  }

  #runtimeKey(): string {
    return keyOf(this.#place, this.getPort());
  }

  #writeRuntimeFile(): void {
    const { instanceId, name } = this.#endpoint.identity;
    const record = { url: this.getUrl(), token: this.token, pid: process.pid, instanceId };
    writeRuntimeFile(this.#runtimeKey(), name === undefined ? record : { ...record, name });
  }
}
