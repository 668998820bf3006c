// How an incoming call is answered: a result, a failure, or the end of a stream, each as a frame.

import type { CrosswireError } from "../errors.ts";
import type { Definition } from "../wire/definition.ts";
import { type CallId, FRAME_TYPE } from "../wire/frame.ts";
import { type Body, encodeResult } from "../wire/payload.ts";
import { encodeFailure } from "../wire/remote-error.ts";
import { Refusal } from "./intake.ts";
import { assertSendable, type Link } from "./link.ts";

export class Replies {
  #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** The result as it will be sent. Throws a Refusal when it cannot be. */
  encode({ path, codec }: Definition, value: unknown): Body {
    try {
      const body = encodeResult(value, codec, this.#link.limits.maxDepth);
      assertSendable(this.#link, path, body);
      return body;
    } catch (error) {
      throw new Refusal(error as CrosswireError);
    }
  }

  result(id: CallId, path: string, body: Body): void {
    // The id is enough to find the caller; peers of the base protocol are shown the path as well.
    const shown = this.#link.facts.identity === undefined ? path : "";
    this.#link.outbox.postBody(FRAME_TYPE.response, id, shown, body);
  }

  failure(id: CallId, path: string, thrown: unknown): void {
    const shown = this.#link.facts.identity === undefined ? path : "";
    this.#link.outbox.post(FRAME_TYPE.response, id, shown, this.#encodeFailure(thrown));
  }

  /** The end of a stream; with `thrown`, an early one. */
  end(id: CallId, thrown?: { readonly error: unknown }): void {
    const data = thrown === undefined ? "" : this.#encodeFailure(thrown.error);
    this.#link.outbox.post(FRAME_TYPE.end, id, "", data);
  }

  #encodeFailure(thrown: unknown): string {
    const { exposeStacks } = this.#link.endpoint;
    return thrown instanceof Refusal
      ? encodeFailure(thrown.cause, exposeStacks, thrown.cause.code)
      : encodeFailure(thrown, exposeStacks);
  }
}
