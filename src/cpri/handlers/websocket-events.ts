// What listeners of a WebSocket link are told, as events of the web: of a message, a close, an error. Preventing one
// keeps it from the other side.

/** Bytes come as an ArrayBuffer, as with the `binaryType` "arraybuffer". */
export class WebSocketMessageEvent extends MessageEvent<string | ArrayBuffer> {
  #isStopped = false;
  /** Kept here, because the MessageEvent of Node 20 cannot be cancelled. */
  #isPrevented = false;

  constructor(data: string | ArrayBuffer, origin: string) {
    super("message", { data, origin, cancelable: true });
  }

  override get cancelable(): boolean {
    return true;
  }

  override get defaultPrevented(): boolean {
    return this.#isPrevented;
  }

  override preventDefault(): void {
    this.#isPrevented = true;
  }

  /** @internal */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Listeners of other handlers do not hear of it. */
  override stopPropagation(): void {
    this.#isStopped = true;
    super.stopPropagation();
  }
}

/** `open` and `error`. */
export class WebSocketStateEvent extends Event {
  #isStopped = false;

  constructor(type: string) {
    super(type, { cancelable: true });
  }

  /** @internal */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Listeners of other handlers do not hear of it. */
  override stopPropagation(): void {
    this.#isStopped = true;
    super.stopPropagation();
  }
}

/** Why the connection to the real server did not come about. */
export class WebSocketErrorEvent extends WebSocketStateEvent {
  readonly message: string;

  constructor(message: string) {
    super("error");
    this.message = message;
  }
}

/** The one of the web is missing in Node 20 and 22. */
export class WebSocketCloseEvent extends WebSocketStateEvent {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(code: number, reason: string) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.wasClean = code !== 1006;
  }
}
