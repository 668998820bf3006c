// The handler of a request of undici, between its caller and whichever dispatcher turns out to answer. The caller can
// abort from the beginning, before there is one; it sees one request, though there may be two dispatchers in turn.

import type { Handler } from "./caught-dispatch.ts";
import { type Abort, type Callback, type Controller, WholeTelling } from "./undici-telling.ts";
import type { WholeAnswer } from "./whole-answer.ts";
import { watchCall, type Witness } from "./witness.ts";

export class UndiciHandler {
  #handler: Handler;
  #onAbort: () => void;
  #isModern: boolean;
  #isOver = false;
  /** Of the dispatcher at work, once there is one. */
  #engine: Controller | undefined;
  #abortEngine: Abort | undefined;
  #reason: unknown;
  #view = {};

  constructor(handler: Handler, onAbort: () => void) {
    this.#handler = handler;
    this.#onAbort = onAbort;
    this.#isModern = typeof handler["onRequestStart"] === "function";
  }

  /** The caller has been told how it ended, before any dispatcher had it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells the caller that its request has begun, and how to abort it. */
  start(): void {
    try {
      if (this.#isModern) this.#call("onRequestStart", this.#steering(), {});
      else this.#call("onConnect", (reason?: unknown) => this.abort(reason), null);
    } catch (error) {
      this.abort(error);
    }
  }

  abort(reason?: unknown): void {
    if (this.#isOver) return;
    if (this.#abortEngine !== undefined) return this.#abortEngine(reason);
    this.#reason = reason ?? new DOMException("This operation was aborted", "AbortError");
    this.#onAbort();
    this.fail(this.#reason);
  }

  /** Not before the caller has returned from what made it abort. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    queueMicrotask(() => {
      if (this.#isModern) this.#call("onResponseError", this.#steering(), error);
      else this.#call("onError", error);
    });
  }

  /** Tells the caller the answer, without a dispatcher. */
  answer(answer: WholeAnswer): void {
    if (this.#isOver) return;
    const telling = new WholeTelling(answer, {
      handler: this.#handler,
      controller: this.#isModern ? this.#steering() : undefined,
      isOver: () => this.#isOver,
      onEnd: () => (this.#isOver = true),
      onFailure: (error) => this.fail(error),
    });
    this.#engine = telling;
    telling.resume();
  }

  /** The handler for the next dispatcher. The one before is heard no more. */
  view(witness?: Witness): Handler {
    const current = {};
    this.#view = current;
    this.#engine = undefined;
    this.#abortEngine = undefined;
    const isHeard = (): boolean => this.#view === current && !this.#isOver;
    const begin = (abort: Abort, controller?: Controller): void => {
      // The caller has aborted while the dispatcher was connecting, and knows that it is over.
      if (this.#isOver) return abort(this.#reason);
      if (!isHeard()) return;
      this.#engine = controller;
      this.#abortEngine = abort;
    };
    return new Proxy(this.#handler, {
      get: (handler, name) => {
        const value = Reflect.get(handler, name) as unknown;
        if (typeof value !== "function") return value;
        // The caller knows how to abort already.
        if (name === "onConnect" && !this.#isModern) return (abort: Abort) => begin(abort);
        if (name === "onRequestStart") {
          return (controller: Controller) =>
            begin((reason) => controller.abort(reason), controller);
        }
        return (...args: unknown[]) => {
          if (!isHeard()) return true;
          if (witness !== undefined) watchCall(name, args, witness);
          return (value as Callback).apply(handler, args);
        };
      },
    });
  }

  /** Stands in for the one of the dispatcher, and leads to it once there is one. */
  #steering(): Controller {
    const early: Controller = {
      aborted: this.#isOver,
      paused: false,
      reason: null,
      rawHeaders: [],
      rawTrailers: [],
      abort: (reason) => this.abort(reason),
      pause: () => this.#engine?.pause(),
      resume: () => this.#engine?.resume(),
    };
    const get = (target: Controller, name: string): unknown => {
      const own = target[name];
      return typeof own === "function" ? own : (this.#engine ?? target)[name];
    };
    return new Proxy(early, { get: (target, name) => get(target, name as string) });
  }

  #call(name: string, ...args: unknown[]): void {
    const callback = this.#handler[name];
    if (typeof callback === "function") (callback as Callback).apply(this.#handler, args);
  }
}
