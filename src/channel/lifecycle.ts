// The states of a channel and who waits for them. Knows nothing of frames.

import { CrosswireError } from "../errors.ts";
import type { Clock } from "./clock.ts";
import type { Identity } from "./hello.ts";
import type { CloseReason } from "./transport.ts";

/**
 * opening: no hello yet. open. leaving: calls in flight go on, new ones are refused.
 * closing: nothing is read or sent any more. closed: the transport is gone.
 */
type State = "opening" | "open" | "leaving" | "closing" | "closed";

export class Lifecycle {
  /** Resolves when the transport is gone. */
  readonly closed: Promise<CloseReason>;
  /** The hello of the other side, undefined for a base peer; rejects when it ends before. */
  readonly ready: Promise<Identity | undefined>;
  state: State = "opening";
  /** Why it ended, or is ending. */
  error: CrosswireError | undefined;
  #idleWaiters: (() => void)[] | undefined;
  #resolveClosed!: (reason: CloseReason) => void;
  #resolveReady!: (identity: Identity | undefined) => void;
  #rejectReady!: (error: CrosswireError) => void;

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    this.ready.catch(() => {}); // Not everybody waits for the hello.
  }

  /** Whether frames are neither read nor sent any more. */
  get isOver(): boolean {
    return this.state === "closing" || this.state === "closed";
  }

  opened(identity: Identity | undefined): void {
    this.state = "open";
    this.#resolveReady(identity);
  }

  leave(error: CrosswireError): void {
    this.state = "leaving";
    this.error = error;
  }

  close(error: CrosswireError): void {
    this.state = "closing";
    this.error = error;
    this.#rejectReady(error);
  }

  ended(reason: CloseReason): void {
    this.state = "closed";
    this.#resolveClosed(reason);
  }

  /** Throws what a call made now fails with. */
  assertOpen(path: string, peer: string): void {
    if (this.state === "open") return;
    const what = `${JSON.stringify(path)} was not sent`;
    const options = { path, peer, maybeDelivered: false };
    if (this.error === undefined) {
      throw new CrosswireError(
        "XW_NOT_CONNECTED",
        `${what}: ${peer} has not said hello yet. Wait for connect() or ready().`,
        options,
      );
    }
    const { code, message } = this.error;
    throw new CrosswireError(code, `${what}. ${message}`, { ...options, cause: this.error });
  }

  /** Resolves at the next `becameIdle()`, at the latest after `graceMs`. */
  idleWithin(graceMs: number, clock: Clock): Promise<void> {
    return new Promise((resolve) => {
      const timer = clock.setTimer(resolve, graceMs);
      this.#idleWaiters ??= [];
      this.#idleWaiters.push(() => {
        clock.clearTimer(timer);
        resolve();
      });
    });
  }

  get isIdlenessAwaited(): boolean {
    return this.#idleWaiters !== undefined;
  }

  becameIdle(): void {
    const waiters = this.#idleWaiters ?? [];
    this.#idleWaiters = undefined;
    for (const wake of waiters) wake();
  }
}
