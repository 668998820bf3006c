// The server that answers what was caught: Node's own, which never listens and is fed with sockets in memory. So both
// ends have real parsers, and framing, streaming, backpressure and aborts are what every client knows.

import { EventEmitter } from "node:events";
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { CrosswireError } from "../errors.ts";
import type { Undo } from "../lifetime.ts";
import { keepAlive } from "../node/keep-alive.ts";
import { inNextTurn } from "./next-turn.ts";
import { PairSocket } from "./pair.ts";

const MAX_HEAD_BYTES = 1_048_576;

/** What a client sent over a virtual connection. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Makes a WebSocket of it. */
  accept(protocol: string | undefined, onSocket: (socket: WebSocket) => void): void;
}

/** One connection carries one exchange. */
export interface Connection {
  readonly client: PairSocket;
  readonly server: PairSocket;
  /** Rejects when the client gives up before its request is there. */
  readonly arrival: Promise<Arrival>;
  /** What it carries comes from the network: it outlives the capture, and the network keeps the process alive. */
  spare(): void;
}

export class VirtualOrigin {
  #server: Server;
  #arrivals = new WeakMap<Duplex, (arrival: Arrival) => void>();
  #open = new Set<PairSocket>();
  /** An open connection keeps the process alive, as a real one does. */
  #letGo: Undo | undefined;

  constructor() {
    this.#server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, requireHostHeader: false });
    this.#server.maxHeadersCount = 0;
    this.#server.keepAliveTimeout = 0;
    // Its requests are the application's own: they begin nothing, and carry nobody's context.
    const { emit } = EventEmitter.prototype as { emit: unknown };
    Object.defineProperty(this.#server, "emit", { value: emit });
    this.#server.on("request", (request, response) => this.#arrive(request, response));
    // Only a body that somebody asks for is asked for.
    this.#server.on("checkContinue", (request, response) => this.#arrive(request, response));
    this.#server.on("checkExpectation", (request, response) => this.#arrive(request, response));
    this.#server.on("upgrade", (request, socket, head) =>
      this.#arriveUpgrade(request, socket, head),
    );
  }

  connect(url: string): Connection {
    const { hostname, port, protocol } = new URL(url);
    const isSecure = protocol === "https:" || protocol === "wss:";
    const pair = PairSocket.open({
      host: hostname,
      port: Number(port) || (isSecure ? 443 : 80),
      isSecure,
    });
    const { server } = pair;
    const arrival = new Promise<Arrival>((resolve, reject) => {
      this.#arrivals.set(server, resolve);
      server.once("close", () => {
        if (this.#arrivals.delete(server)) reject(new CrosswireError("XW_CANCELLED"));
      });
    });
    // Nobody may be waiting for it any more.
    arrival.catch(() => {});
    server.on("error", () => {});
    this.#keep(server);
    this.#server.emit("connection", server);
    return { ...pair, arrival, spare: () => this.#release(server) };
  }

  /** Cuts what is still open. */
  close(): void {
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  #keep(socket: PairSocket): void {
    this.#open.add(socket);
    this.#letGo ??= keepAlive();
    socket.once("close", () => this.#release(socket));
  }

  #release(socket: PairSocket): void {
    this.#open.delete(socket);
    if (this.#open.size > 0) return;
    this.#letGo?.();
    this.#letGo = undefined;
  }

  #arrive(request: IncomingMessage, response: ServerResponse): void {
    this.#tell(request.socket, { request, response, accept: () => {} });
  }

  #tell(socket: Duplex, arrival: Arrival): void {
    const resolve = this.#arrivals.get(socket);
    this.#arrivals.delete(socket);
    if (resolve !== undefined) inNextTurn(() => resolve(arrival));
  }

  #arriveUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    let response: ServerResponse | undefined;
    this.#tell(socket, {
      request,
      get response() {
        return (response ??= responseOn(request, socket));
      },
      accept: (protocol, onSocket) =>
        void acceptUpgrade({ request, socket, head }, protocol, onSocket),
    });
  }
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Loads `ws` for the first one: most processes never have any. */
async function acceptUpgrade(
  { request, socket, head }: Upgrade,
  protocol: string | undefined,
  onSocket: (socket: WebSocket) => void,
): Promise<void> {
  const { WebSocketServer } = await import("ws");
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    handleProtocols: () => protocol ?? false,
  });
  server.handleUpgrade(request, socket, head, onSocket);
}

/** An ordinary response in place of an upgrade; the connection ends with it. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as PairSocket & IncomingMessage["socket"]);
  return response.on("finish", () => socket.end());
}
