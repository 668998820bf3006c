// What is settled about an incoming call before its handler is asked: whether it may run, until when, and with what payload.

import { CrosswireError, isCrosswireError } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import { attribute, type CallId, type Frame } from "../wire/frame.ts";
import { decodePayload } from "../wire/payload.ts";
import { validate } from "../wire/schema.ts";
import type { Link } from "./link.ts";
import type { Serving } from "./serving.ts";

/**
 * The channel itself says no: the caller gets the code of the cause. Anything else that a handler throws,
 * a CrosswireError of its own included, reaches the caller as XW_REMOTE.
 */
export class Refusal extends Error {
  override readonly cause: CrosswireError;

  constructor(cause: CrosswireError) {
    super(cause.message);
    this.cause = cause;
  }
}

export class Intake {
  /** Set while closing: what comes now is refused, so that the other side may send it elsewhere. */
  isLeaving = false;
  #link: Link;
  #serving: Serving;
  #lastId = 0;

  constructor(link: Link, serving: Serving) {
    this.#link = link;
    this.#serving = serving;
  }

  /**
   * SECURITY: a repeated frame must not run a handler twice. The ids of Crosswire peers only grow; foreign
   * peers may choose theirs, so of those only calls that still run can be told apart.
   */
  isRepeated(id: CallId): boolean {
    if (this.#link.facts.identity === undefined) return this.#serving.has(id);
    if (typeof id !== "number" || id <= this.#lastId) return true;
    this.#lastId = id;
    return false;
  }

  /** Why no call is taken now; undefined when it may run. */
  refusal(path: string): Refusal | undefined {
    const { maxRunningCalls } = this.#link.limits;
    if (this.isLeaving) {
      return new Refusal(
        new CrosswireError("XW_CLOSED", "this side is closing and takes no new calls.", { path }),
      );
    }
    if (this.#serving.size < maxRunningCalls) return undefined;
    const text = `limits.maxRunningCalls (${maxRunningCalls}) calls of this connection run already.`;
    return new Refusal(new CrosswireError("XW_OVERLOADED", text, { path }));
  }

  /** When the caller stops waiting, in the time of this side. */
  dueAt(frame: Frame, otherwise: number): number {
    const given = frame.attributes === "" ? undefined : attribute(frame.attributes, "t");
    const timeoutMs = given === undefined ? otherwise : Number(given);
    // What cannot be read as a time is no reason to fail the call: it then has the default.
    return this.#link.clock.now() + (timeoutMs > 0 ? timeoutMs : otherwise);
  }

  /** The checked payload; a promise when its schema is asynchronous. Throws, or rejects with, a Refusal. */
  payload(definition: Definition, frame: Frame, attachments: readonly Uint8Array[]): unknown {
    try {
      const { data, attributes } = frame;
      const payload = decodePayload(data, attributes, attachments, this.#link.limits.maxDepth);
      if (definition.input === undefined) return payload;
      const what = `The payload of ${JSON.stringify(definition.path)}`;
      const checked = validate(definition.input, payload, what);
      return checked instanceof Promise ? checked.catch(refuse) : checked;
    } catch (error) {
      return refuse(error);
    }
  }
}

function refuse(error: unknown): never {
  throw isCrosswireError(error) ? new Refusal(error) : error;
}
