// The two ends of a handled WebSocket as its handlers have them: `client`, the application's, and `server`, the real
// one, which is there once it is asked for. All handlers of one connection share them.

import { CrosswireError } from "../../errors.ts";
import { isSendableCode } from "../../exchange/websocket.ts";
import type { FrameData, Side, WebSocketConnection } from "../websocket-connection.ts";
import {
  WebSocketCloseEvent,
  WebSocketErrorEvent,
  WebSocketMessageEvent,
  WebSocketStateEvent,
} from "./websocket-events.ts";
import {
  type ListenOptions,
  type SideListener,
  WebSocketListeners,
} from "./websocket-listeners.ts";
import { InOrder, toFrameData, toMessageData, type WebSocketData } from "./websocket-payload.ts";

export interface WebSocketClientEvents {
  /** The application sent something. Prevented, it does not go to the real server. */
  message: WebSocketMessageEvent;
  /** Its WebSocket is closed. Prevented, the one to the real server stays open. */
  close: WebSocketCloseEvent;
}

export interface WebSocketServerEvents {
  open: WebSocketStateEvent;
  /** The real server sent something. Prevented, the application does not get it. */
  message: WebSocketMessageEvent;
  /** Prevented, the application's WebSocket stays open. Not forwarded either after a `close()` of the handler's own. */
  close: WebSocketCloseEvent;
  /** It cannot be reached, or refused. Prevented, the application does not see that; a `close` follows. */
  error: WebSocketErrorEvent;
}

/** The WebSocket of the application. */
export interface WebSocketClient {
  readonly id: string;
  readonly url: URL;
  /** As if the server had sent it. */
  send(data: WebSocketData): void;
  /** As if the server had closed. 1006 cuts the connection. */
  close(code?: number, reason?: string): void;
  addEventListener<T extends keyof WebSocketClientEvents>(
    type: T,
    listener: SideListener<WebSocketClientEvents[T]>,
    options?: ListenOptions | boolean,
  ): void;
  removeEventListener<T extends keyof WebSocketClientEvents>(
    type: T,
    listener: SideListener<WebSocketClientEvents[T]>,
    options?: ListenOptions | boolean,
  ): void;
}

/** The real server. From `connect()` on, what both ends send goes on to the other one. */
export interface WebSocketServer {
  /** Called before the handler returns, the application's handshake ends as the real server's does. */
  connect(): void;
  /** As if the application had sent it. Throws XW_NOT_CONNECTED before `connect()`. */
  send(data: WebSocketData): void;
  /** As if the application had closed; its own WebSocket stays open. */
  close(code?: number, reason?: string): void;
  addEventListener<T extends keyof WebSocketServerEvents>(
    type: T,
    listener: SideListener<WebSocketServerEvents[T]>,
    options?: ListenOptions | boolean,
  ): void;
  removeEventListener<T extends keyof WebSocketServerEvents>(
    type: T,
    listener: SideListener<WebSocketServerEvents[T]>,
    options?: ListenOptions | boolean,
  ): void;
}

export interface WebSocketSides {
  readonly client: WebSocketClient;
  readonly server: WebSocketServer;
  /** Another handler is asked: what listens from now on is his. */
  enter(): void;
  onClientClosed(listener: () => void): void;
}

const sides = new WeakMap<WebSocketConnection, WebSocketSides>();

export function sidesOf(connection: WebSocketConnection): WebSocketSides {
  const known = sides.get(connection);
  if (known !== undefined) return known;
  const made = new Sides(connection);
  sides.set(connection, made);
  return made;
}

class Sides implements WebSocketSides {
  readonly client: ClientEnd;
  readonly server: ServerEnd;
  #handlers = 0;
  #closed: (() => void)[] = [];

  constructor(connection: WebSocketConnection) {
    const current = (): number => this.#handlers;
    this.client = new ClientEnd(connection, current);
    this.server = new ServerEnd(connection, current);
    connection.listen({
      onFrame: (from, data, release) => {
        const isPassed = this[from].tellMessage(toMessageData(data));
        // After what a listener has sent to the other side upon it.
        this.#other(from).outgoing.run(() => release(isPassed));
      },
      onClose: (from, { code, reason }, release) => {
        const isPassed = this[from].tellClose(code, reason);
        if (from === "client") for (const listener of this.#closed.splice(0)) listener();
        this.#other(from).outgoing.run(() => release(isPassed));
      },
      onServerOpen: () => this.server.tellOpen(),
      onServerError: (message, release) => {
        const isPassed = this.server.tellError(message);
        this.client.outgoing.run(() => release(isPassed));
      },
    });
  }

  enter(): void {
    this.#handlers++;
  }

  onClientClosed(listener: () => void): void {
    this.#closed.push(listener);
  }

  #other(side: Side): End {
    return this[side === "client" ? "server" : "client"];
  }
}

/** What both have in common. */
class End {
  readonly outgoing: InOrder = new InOrder();
  protected readonly connection: WebSocketConnection;
  protected readonly listeners: WebSocketListeners;
  readonly #side: Side;

  constructor(connection: WebSocketConnection, side: Side, currentHandler: () => number) {
    this.connection = connection;
    this.#side = side;
    this.listeners = new WebSocketListeners(currentHandler, (error) => connection.fail(error));
  }

  send(data: WebSocketData): void {
    const frame = toFrameData(data);
    const order = (ready: FrameData): void => this.connection.send(this.#side, ready);
    if (!(frame instanceof Promise)) return this.outgoing.run(() => order(frame));
    // It may fail before it is its turn.
    frame.catch(() => {});
    this.outgoing.run(() => frame.then(order, (error: unknown) => this.connection.fail(error)));
  }

  close(code = 1000, reason = ""): void {
    if (code !== 1005 && code !== 1006 && !isSendableCode(code)) {
      throw new TypeError(
        `A WebSocket cannot be closed with the code ${code}; use 1000 to 1014 or 3000 to 4999.`,
      );
    }
    this.outgoing.run(() => this.connection.close(this.#side, { code, reason }));
  }

  addEventListener(
    type: string,
    listener: SideListener<never>,
    options?: ListenOptions | boolean,
  ): void {
    this.listeners.add(type, listener, options);
  }

  removeEventListener(
    type: string,
    listener: SideListener<never>,
    options?: ListenOptions | boolean,
  ): void {
    this.listeners.remove(type, listener, options);
  }

  tellMessage(data: string | ArrayBuffer): boolean {
    return this.listeners.tell(new WebSocketMessageEvent(data, this.connection.location.origin));
  }

  tellClose(code: number, reason: string): boolean {
    return this.listeners.tell(new WebSocketCloseEvent(code, reason));
  }
}

class ClientEnd extends End implements WebSocketClient {
  readonly id: string = globalThis.crypto.randomUUID();
  readonly url: URL;

  constructor(connection: WebSocketConnection, currentHandler: () => number) {
    super(connection, "client", currentHandler);
    this.url = new URL(connection.location);
  }
}

class ServerEnd extends End implements WebSocketServer {
  #state: "none" | "connecting" | "open" | "closing" | "closed" = "none";

  constructor(connection: WebSocketConnection, currentHandler: () => number) {
    super(connection, "server", currentHandler);
  }

  connect(): void {
    if (this.#state !== "none" && this.#state !== "closed") {
      throw new TypeError(`server.connect() was called before; the server is ${this.#state}.`);
    }
    this.#state = "connecting";
    this.outgoing.run(() => this.connection.connect());
  }

  override send(data: WebSocketData): void {
    this.#assertConnected("server.send()");
    super.send(data);
  }

  override close(code?: number, reason?: string): void {
    this.#assertConnected("server.close()");
    if (this.#state === "closed") return;
    super.close(code, reason);
    this.#state = "closing";
  }

  tellOpen(): void {
    if (this.#state === "connecting") this.#state = "open";
    this.listeners.tell(new WebSocketStateEvent("open"));
  }

  tellError(message: string): boolean {
    this.#state = "closed";
    const isPassed = this.listeners.tell(new WebSocketErrorEvent(message));
    // As with every WebSocket that fails.
    return super.tellClose(1006, "") && isPassed;
  }

  override tellClose(code: number, reason: string): boolean {
    const isOwn = this.#state === "closing";
    this.#state = "closed";
    return super.tellClose(code, reason) && !isOwn;
  }

  #assertConnected(what: string): void {
    if (this.#state !== "none") return;
    throw new CrosswireError(
      "XW_NOT_CONNECTED",
      `${what} for ${this.connection.location.href}: there is no connection to the server. Call server.connect() first.`,
    );
  }
}
