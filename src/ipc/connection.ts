// The one connection of a client through its life: opened, lost, opened again, closed for good.

import type { Endpoint } from "../channel/endpoint.ts";
import { onAbort, type Signal } from "../channel/abort.ts";
import { systemClock } from "../channel/clock.ts";
import { CrosswireError } from "../errors.ts";
import { type Link, notConnected } from "./connector.ts";
import { type Backoff, delayBefore, isFinal } from "./reconnect.ts";
import { IPCSocket } from "./socket.ts";

/** One end of the connection. */
export interface Loss {
  readonly error: CrosswireError;
  /** Whether the client is trying to come back by itself. */
  readonly willReconnect: boolean;
}

export interface ConnectionOptions {
  readonly link: Link;
  readonly endpoint: Endpoint;
  /** Undefined: a lost connection stays lost. */
  readonly backoff: Backoff | undefined;
  readonly onLoss: (loss: Loss) => void;
  readonly onReconnect: () => void;
}

const { setImmediate } = globalThis;

export class Connection {
  /** The socket while it is usable. */
  socket: IPCSocket | undefined;
  /** Between connect() and disconnect(). */
  isWanted = false;
  #options: ConnectionOptions;
  #runtimeId: string | undefined;
  #opening: Promise<void> | undefined;
  #error: CrosswireError | undefined;
  #waiters = new Set<() => void>();
  #wakeRetry: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  open(runtimeId: string | undefined): Promise<void> {
    if (this.isWanted && runtimeId !== undefined && runtimeId !== this.#runtimeId) {
      const text = `connect(${JSON.stringify(runtimeId)}): this client is connected as ${JSON.stringify(this.#runtimeId)}; disconnect() first.`;
      return Promise.reject(new TypeError(text));
    }
    if (this.socket?.isConnected() === true) return Promise.resolve();
    this.#runtimeId = runtimeId ?? this.#runtimeId;
    this.isWanted = true;
    this.#opening ??= this.#openFirst().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async close(code: number, graceMs: number): Promise<void> {
    this.isWanted = false;
    this.#wakeRetry?.();
    // An attempt under way ends in a moment, and must not leave a socket behind.
    await this.#opening?.catch(() => {});
    await this.socket?.channel.close(code, "disconnected", graceMs);
    this.#wakeAll();
  }

  /** The error for a call that comes after the connection was lost; undefined when there never was one. */
  lastError(path: string): CrosswireError | undefined {
    if (this.#error === undefined) return undefined;
    const { code, message, peer } = this.#error;
    return new CrosswireError(code, `${JSON.stringify(path)} was not sent. ${message}`, {
      path,
      peer,
      maybeDelivered: false,
      cause: this.#error,
    });
  }

  /** The socket as soon as there is one. Rejects with XW_NOT_CONNECTED, XW_TIMEOUT, or the reason of the signal. */
  async whenOpen(path: string, dueAt: number, signal: Signal | undefined): Promise<IPCSocket> {
    while (this.socket?.isConnected() !== true) {
      if (signal?.aborted === true) throw signal.reason;
      if (!this.isWanted)
        throw this.lastError(path) ?? notConnected(this.#options.link.label, JSON.stringify(path));
      if (systemClock.now() >= dueAt) throw this.#stillDown(path);
      if (this.#waiters.size >= this.#options.endpoint.limits.maxPendingCalls)
        throw this.#tooMany(path);
      await this.#change(dueAt, signal);
    }
    return this.socket;
  }

  /** Only what was connected once comes back by itself; whether to try a first time again is up to the caller. */
  async #openFirst(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      this.isWanted = false;
      throw error;
    }
  }

  async #open(): Promise<void> {
    const { link, endpoint } = this.#options;
    const { connectTimeoutMs } = endpoint.limits;
    const dueAt = systemClock.now() + connectTimeoutMs;
    const { transport, saysHello } = await link.connect(this.#runtimeId, connectTimeoutMs);
    if (!endpoint.keepsAlive) transport.unref?.();
    const socket = new IPCSocket(transport, {
      endpoint,
      expectsHello: saysHello,
      peer: link.label,
      holdsAfterHello: true,
    });
    await this.#greet(socket, dueAt);
    this.#adopt(socket);
  }

  /**
   * Waits for the hello. What comes right behind it is held until the code after `await connect()` ran,
   * so that handlers registered there do not miss the first request.
   */
  async #greet(socket: IPCSocket, dueAt: number): Promise<void> {
    const timer = systemClock.setTimer(() => {
      const text = `${this.#options.link.label} accepted the connection but said no hello in time; it is stopped or blocked.`;
      socket.channel.end({ error: new CrosswireError("XW_TIMEOUT", text), closeCode: 4003 });
    }, dueAt - systemClock.now());
    try {
      await socket.channel.ready;
    } finally {
      systemClock.clearTimer(timer);
    }
    setImmediate(() => socket.channel.release());
  }

  #adopt(socket: IPCSocket): void {
    this.socket = socket;
    this.#error = undefined;
    this.#wakeAll();
    void socket.channel.closed.then(() => this.#lost(socket));
  }

  #lost(socket: IPCSocket): void {
    if (this.socket !== socket) return;
    const wasAskedFor = !this.isWanted;
    this.socket = undefined;
    this.#error = socket.channel.closeError ?? notConnected(this.#options.link.label, "A call");
    const willReconnect =
      this.isWanted && this.#options.backoff !== undefined && !isFinal(this.#error);
    if (willReconnect) this.#opening ??= this.#reopen().finally(() => (this.#opening = undefined));
    else this.isWanted = false;
    this.#wakeAll();
    if (!wasAskedFor) this.#options.onLoss({ error: this.#error, willReconnect });
  }

  async #reopen(): Promise<void> {
    const { backoff, onReconnect, onLoss } = this.#options;
    if (backoff === undefined) return;
    for (let attempt = 1; this.isWanted && attempt <= backoff.maxAttempts; attempt++) {
      await this.#pause(delayBefore(attempt, backoff));
      if (!this.isWanted) return;
      try {
        await this.#open();
        onReconnect();
        return;
      } catch (error) {
        this.#error = error as CrosswireError;
        if (isFinal(error)) break;
      }
    }
    if (!this.isWanted && this.#error === undefined) return;
    this.isWanted = false;
    this.#wakeAll();
    if (this.#error !== undefined) onLoss({ error: this.#error, willReconnect: false });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const { clock } = this.#options.endpoint;
      const timer = clock.setTimer(resolve, delayMs);
      this.#wakeRetry = () => {
        clock.clearTimer(timer);
        resolve();
      };
    });
  }

  /** Resolves at the next change of state, at `dueAt`, or when the signal fires: the caller looks again. */
  #change(dueAt: number, signal: Signal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiters.delete(wake);
        systemClock.clearTimer(timer);
        release?.();
        resolve();
      };
      const timer = systemClock.setTimer(wake, Math.max(0, dueAt - systemClock.now()));
      const release = signal === undefined ? undefined : onAbort(signal, wake);
      this.#waiters.add(wake);
    });
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  #stillDown(path: string): CrosswireError {
    const why = this.#error === undefined ? "" : ` ${this.#error.message}`;
    const text = `${JSON.stringify(path)} was not sent: no connection to ${this.#options.link.label} came back in time.${why}`;
    return new CrosswireError("XW_NOT_CONNECTED", text, {
      path,
      maybeDelivered: false,
      cause: this.#error,
    });
  }

  #tooMany(path: string): CrosswireError {
    const { maxPendingCalls } = this.#options.endpoint.limits;
    const text = `${JSON.stringify(path)} was not sent: limits.maxPendingCalls (${maxPendingCalls}) calls wait for the connection already.`;
    return new CrosswireError("XW_OVERLOADED", text, { path, maybeDelivered: false });
  }
}
