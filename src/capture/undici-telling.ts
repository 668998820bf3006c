// Tells a handler of undici an answer that is there as a whole, piece by piece, as the parser of its version would.
// HOT: with a connection in its place, and parsers at both ends, an exchange costs twice as much.

import { STATUS_CODES } from "node:http";
import type { Fields } from "../exchange/request.ts";
import type { Handler } from "./caught-dispatch.ts";
import type { WholeAnswer } from "./whole-answer.ts";

export type Abort = (reason?: unknown) => void;
export type Callback = (...args: unknown[]) => unknown;

/** How versions 7 and 8 let a caller steer a request; before, there was only the function to abort it. */
export interface Controller {
  abort: Abort;
  pause(): void;
  resume(): void;
  readonly [name: string]: unknown;
}

interface Audience {
  readonly handler: Handler;
  /** Of the newer versions. */
  readonly controller: Controller | undefined;
  /** Whether it has been told an end already. */
  readonly isOver: () => boolean;
  readonly onEnd: () => void;
  /** It threw at what it was told. */
  readonly onFailure: (error: unknown) => void;
}

export class WholeTelling implements Controller {
  readonly [name: string]: unknown;
  readonly rawHeaders: readonly Buffer[];
  readonly rawTrailers: readonly Buffer[] = [];
  readonly reason = null;
  #answer: WholeAnswer;
  #audience: Audience;
  #pieces: (() => unknown)[];
  #isPaused = true;
  #isEnded = false;

  constructor(answer: WholeAnswer, audience: Audience) {
    this.#answer = answer;
    this.#audience = audience;
    this.rawHeaders = rawFields(answer.headers);
    this.#pieces = [() => this.#tellHead(), () => this.#tellBody(), () => this.#tellEnd()];
  }

  get aborted(): boolean {
    return this.#audience.isOver() && !this.#isEnded;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  abort(reason?: unknown): void {
    this.#audience.onFailure(reason);
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** As undici does: what comes next is told before this returns. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    try {
      while (!this.#isPaused && !this.#audience.isOver()) {
        // Those of the older versions say by what they return that they have enough.
        if (this.#pieces.shift()?.() === false) this.#isPaused = true;
      }
    } catch (error) {
      this.#audience.onFailure(error);
    }
  }

  #tellHead(): unknown {
    const { status, statusText = STATUS_CODES[status] ?? "", headers } = this.#answer;
    this.#tell("onRequestSent");
    this.#tell("onResponseStarted");
    const { controller } = this.#audience;
    return controller === undefined
      ? this.#tell("onHeaders", status, this.rawHeaders, () => this.resume(), statusText)
      : this.#tell("onResponseStart", controller, status, parsedFields(headers), statusText);
  }

  #tellBody(): unknown {
    const { body } = this.#answer;
    if (body === undefined || body.length === 0) return true;
    // A copy: a client may do with what it gets what it likes.
    const bytes = Buffer.from(body);
    const { controller } = this.#audience;
    return controller === undefined
      ? this.#tell("onData", bytes)
      : this.#tell("onResponseData", controller, bytes);
  }

  #tellEnd(): unknown {
    const { controller, onEnd } = this.#audience;
    this.#isEnded = true;
    onEnd();
    try {
      return controller === undefined
        ? this.#tell("onComplete", [])
        : this.#tell("onResponseEnd", controller, {});
    } catch (error) {
      // Undici's own way to ask for another attempt: it throws at the end, and makes it when told that it failed.
      return controller === undefined
        ? this.#tell("onError", error)
        : this.#tell("onResponseError", controller, error);
    }
  }

  #tell(name: string, ...args: unknown[]): unknown {
    const { handler } = this.#audience;
    const callback = handler[name];
    return typeof callback === "function" ? (callback as Callback).apply(handler, args) : undefined;
  }
}

function rawFields(fields: Fields): Buffer[] {
  return fields.flat().map((text) => Buffer.from(trimmed(text), "latin1"));
}

/** As the newer versions have them: by names in lower case, several values in a list. */
function parsedFields(fields: Fields): Record<string, string | string[]> {
  const parsed = new Map<string, string | string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const before = parsed.get(key);
    const now = trimmed(value);
    parsed.set(key, before === undefined ? now : [before, now].flat());
  }
  // Not by assignment: a field may be called __proto__.
  return Object.fromEntries(parsed);
}

/** A parser takes the blanks around a value for none of it. */
function trimmed(text: string): string {
  return text.replace(/^[\t ]+|[\t ]+$/g, "");
}
