// A plain call of fetch that waits for its decision. A whole answer becomes its Response at once; for everything else
// the call is made after all, and what it sends is dealt with as it was decided.

import type { RequestOptions } from "node:http";
import type { Answer } from "../exchange/outcome.ts";
import type { Fields } from "../exchange/request.ts";
import type { Caught, Relay } from "./caught.ts";
import type { FetchCall } from "./fetch-call.ts";
import { inNextTurn } from "./next-turn.ts";
import type { Tell } from "./told-response.ts";
import { isObserved } from "./undici-request.ts";
import type { VirtualSocket } from "./virtual-socket.ts";
import type { WholeAnswer } from "./whole-answer.ts";
import type { Witness } from "./witness.ts";

/** Makes the call. `act` is given what it sends, and returns what to call when the client gives up. */
export type Call = (act: (sent: Caught) => () => void) => void;

interface CaughtFetchOptions {
  readonly call: FetchCall;
  readonly tell: Tell;
  readonly resolve: (response: Response) => void;
  readonly make: Call;
}

export class CaughtFetch implements Caught {
  readonly client = "fetch";
  #options: CaughtFetchOptions;
  #abandon = (): void => {};
  /** What the call sends, once it is made; and what is to be done with it. */
  #sent: Caught | undefined;
  #acts: ((sent: Caught) => void)[] = [];

  constructor(options: CaughtFetchOptions) {
    this.#options = options;
  }

  get method(): string {
    return this.#options.call.method;
  }

  get url(): string {
    return this.#options.call.url;
  }

  get bodyLength(): number {
    return this.#options.call.body?.length ?? 0;
  }

  wait(take: () => () => void): void {
    this.#abandon = take();
  }

  headers(): Fields {
    return this.#options.call.fields;
  }

  dialOptions(): RequestOptions {
    return {};
  }

  async *body(): AsyncGenerator<Uint8Array, void> {
    const { body } = this.#options.call;
    if (body !== undefined && body.length > 0) yield body;
  }

  answer(answer: WholeAnswer): boolean {
    const { call, tell, resolve } = this.#options;
    const response = isObserved() ? undefined : tell(answer, call);
    if (response === undefined) return false;
    inNextTurn(() => resolve(response));
    return true;
  }

  attach(socket: VirtualSocket): void {
    this.#make((sent) => sent.attach(socket));
  }

  fail(error: Error): void {
    this.#make((sent) => sent.fail(error));
  }

  pass(witness: Witness | undefined): void {
    this.#make((sent) => sent.pass(witness));
  }

  relay(relay: Relay): Promise<Answer> | undefined {
    this.#make((sent) => void sent.relay(relay));
    return undefined;
  }

  /** Once: what comes later is about the same call. */
  #make(act: (sent: Caught) => void): void {
    if (this.#sent !== undefined) return act(this.#sent);
    if (this.#acts.push(act) > 1) return;
    this.#options.make((sent) => {
      this.#sent = sent;
      for (const one of this.#acts.splice(0)) one(sent);
      return () => this.#abandon();
    });
  }
}
