// What a handler learns about the call it answers.

import { CrosswireError } from "../errors.ts";
import type { Clock } from "./clock.ts";

const { AbortController: Controller, Date: SystemDate } = globalThis;

/** Whom this side talks to, as far as it is known. */
export interface Caller {
  readonly clientId?: string;
  readonly runtimeId?: string;
}

export class CallContext<Upload = unknown> {
  /** The path that was called. */
  readonly path: string;
  /** Bytes or items that the caller sends along; empty unless it opened the stream with `upload`. */
  readonly upload: AsyncIterable<Upload>;
  /** @internal Its caller may come back and ask for the same answer again. */
  outlivesConnection = false;
  readonly #caller: Caller;
  readonly #clock: Clock;
  /** Monotonic; Infinity without a deadline. */
  readonly #dueAt: number;
  #controller: AbortController | undefined;
  #cancelled: CrosswireError | undefined;

  constructor(
    path: string,
    caller: Caller,
    clock: Clock,
    dueAt: number,
    upload: AsyncIterable<Upload> = NO_UPLOAD,
  ) {
    this.path = path;
    this.#caller = caller;
    this.#clock = clock;
    this.#dueAt = dueAt;
    this.upload = upload;
  }

  /** On a server: the id it gave this connection. */
  get clientId(): string | undefined {
    return this.#caller.clientId;
  }

  /** On a server: the name the client connected with. */
  get runtimeId(): string | undefined {
    return this.#caller.runtimeId;
  }

  /** Aborts when the caller cancels, its time is up, or the connection ends; `reason` says which. */
  get signal(): AbortSignal {
    // Made on demand: a controller costs more than the rest of a small call.
    if (this.#controller === undefined) {
      this.#controller = new Controller();
      if (this.#cancelled !== undefined) this.#controller.abort(this.#cancelled);
    }
    return this.#controller.signal;
  }

  /** What is left of the caller's time; pass it on as `timeoutMs`. Infinity without a deadline. */
  get remainingMs(): number {
    return Math.max(0, this.#dueAt - this.#clock.now());
  }

  /** When the caller stops waiting, in milliseconds since 1970. Infinity without a deadline. */
  get deadline(): number {
    return SystemDate.now() + (this.#dueAt - this.#clock.now());
  }

  /** @internal */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** @internal Whether nobody waits for the answer any more. */
  get isCancelled(): boolean {
    return this.#cancelled !== undefined;
  }

  /** @internal */
  cancel(reason: CrosswireError): void {
    this.#cancelled ??= reason;
    this.#controller?.abort(this.#cancelled);
  }
}

const NO_UPLOAD: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
};

export function timeIsUp(path: string): CrosswireError {
  return new CrosswireError(
    "XW_TIMEOUT",
    `The caller of ${JSON.stringify(path)} stopped waiting.`,
    { path },
  );
}
