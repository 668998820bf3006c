// Sees how a request ends that goes to the network as it is: the head of its answer, and the beginning of its body.
// Nothing is kept back or read for it, so the client notices nothing.

import type { EventEmitter } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { type Fields, fieldsFrom } from "../exchange/request.ts";
import { SeenBody } from "./seen-body.ts";

/** How it ended; without a response, the client got an error. */
export interface NetworkEnd {
  readonly response?: {
    readonly status: number;
    readonly statusText: string;
    readonly headers: Fields;
    /** The beginning of it, as it came, perhaps compressed. */
    readonly body: Uint8Array;
  };
  readonly error?: Error;
}

export class Witness {
  #tell: ((end: NetworkEnd) => void) | undefined;
  #head: Omit<NonNullable<NetworkEnd["response"]>, "body"> | undefined;
  #body = new SeenBody();

  /** `tell` is called once. */
  constructor(tell: (end: NetworkEnd) => void) {
    this.#tell = tell;
  }

  head(status: number, statusText: string, headers: Fields): void {
    // Informational ones come before the answer.
    if (status >= 200 || status === 101) this.#head = { status, statusText, headers };
  }

  data(piece: Uint8Array | string): void {
    this.#body.add(typeof piece === "string" ? Buffer.from(piece) : piece);
  }

  end(): void {
    if (this.#head === undefined) return this.fail(new Error("It ended without an answer."));
    this.#done({ response: { ...this.#head, body: this.#body.bytes() } });
  }

  fail(error: unknown): void {
    this.#done({ error: error instanceof Error ? error : new Error(String(error)) });
  }

  #done(end: NetworkEnd): void {
    this.#tell?.(end);
    this.#tell = undefined;
  }
}

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean;

/** Of node:http. A listener would not do: with one, Node expects that somebody reads the answer. */
export function watchRequest(request: Pick<ClientRequest, "emit">, witness: Witness): void {
  const { emit } = request as { readonly emit: Emit };
  const watched = function (
    this: EventEmitter,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    if (event === "response" || event === "upgrade") {
      watchResponse(args[0] as IncomingMessage, witness);
    } else if (event === "error") witness.fail(args[0]);
    return emit.call(this, event, ...args);
  };
  Object.defineProperty(request, "emit", { value: watched, configurable: true, writable: true });
}

function watchResponse(response: IncomingMessage, witness: Witness): void {
  const { statusCode = 0, statusMessage = "", rawHeaders } = response;
  witness.head(statusCode, statusMessage, fieldsFrom(rawHeaders));
  const push = response.push.bind(response);
  response.push = (chunk: Uint8Array | string | null, encoding) => {
    if (chunk !== null) witness.data(chunk);
    return push(chunk, encoding);
  };
  response.once("close", () => {
    if (response.complete) witness.end();
    else witness.fail(new Error("The answer was cut off."));
  });
}

/** Of undici: what a handler is told, of whichever version. */
export function watchCall(name: string | symbol, args: readonly unknown[], witness: Witness): void {
  switch (name) {
    case "onHeaders":
      return witness.head(args[0] as number, textOf(args[3]), rawFields(args[1]));
    case "onResponseStart":
      return witness.head(args[1] as number, textOf(args[3]), parsedFields(args[2]));
    case "onData":
      return witness.data(args[0] as Uint8Array);
    case "onResponseData":
      return witness.data(args[1] as Uint8Array);
    case "onComplete":
    case "onResponseEnd":
      return witness.end();
    case "onError":
      return witness.fail(args[0]);
    case "onResponseError":
      return witness.fail(args[1]);
  }
}

function textOf(statusText: unknown): string {
  return typeof statusText === "string" ? statusText : "";
}

function rawFields(raw: unknown): Fields {
  return fieldsFrom(
    (raw as readonly Uint8Array[]).map((one) => Buffer.from(one).toString("latin1")),
  );
}

function parsedFields(parsed: unknown): Fields {
  return Object.entries(parsed as Record<string, string | readonly string[]>).flatMap(
    ([name, value]) => [value].flat().map((one): [string, string] => [name, one]),
  );
}
