// What the hooks catch and what they are told about it: the seam between the client libraries and the decision.

import type { RequestOptions } from "node:http";
import type { Answer, RequestPatch } from "../exchange/outcome.ts";
import type { ClientKind, Fields } from "../exchange/request.ts";
import type { VirtualSocket } from "./virtual-socket.ts";
import type { Arrival } from "./virtual-origin.ts";
import type { WholeAnswer } from "./whole-answer.ts";
import type { Witness } from "./witness.ts";

/** One request of the application that has not left yet, in the hands of the library that sends it. */
export interface Caught {
  readonly method: string;
  readonly url: string;
  readonly client: ClientKind;
  headers(): Fields;
  /** How the application would connect, for a WebSocket that is dialled in its stead; without the headers. */
  dialOptions(): RequestOptions;
  /** Of a body that can be read at once, and sent again where it goes on; 0 where there is none. */
  readonly bodyLength?: number | undefined;
  /** The body, where it can be had without a connection. Asked for once. */
  body?(): AsyncIterator<Uint8Array> | undefined;
  /** Tells it the answer without a connection. False: it needs one. */
  answer(answer: WholeAnswer): boolean;
  /** From now on it talks to this end of a virtual connection. */
  attach(socket: VirtualSocket): void;
  /** To its user it failed so. */
  fail(error: Error): void;
  /** To the network, as if nothing had been. Never after `attach`. */
  pass(witness: Witness | undefined): void;
  /** To the network, but changed. Where the answer has to come through us, it is returned. */
  relay(relay: Relay): Promise<Answer> | undefined;
}

/** A request that goes to the network after its body was read, or with a patch. */
export interface Relay {
  readonly witness: Witness | undefined;
  readonly patch: RequestPatch;
  readonly signal: AbortSignal;
  /** The body from its beginning, if anybody read of it: then the client cannot send it again. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
  /** What the client sent to the virtual connection, which is made if there is none yet. */
  arrival(): Promise<Arrival>;
  /** The body from its beginning in any case. */
  wholeBody(): AsyncIterable<Uint8Array>;
}

/** What a hook asks. */
export interface Catcher {
  /** At once, and without a cost: whether anybody could want this request. */
  wants(method: string, url: string): boolean;
  /** A request that leaves because nobody could want it. */
  unwanted(method: string, url: string): void;
  /** Begins to decide. Returns what to call when the client gives up first. */
  take(caught: Caught): () => void;
  /** A request that left without being asked about. */
  unseen?: ((method: string, url: string) => void) | undefined;
}
