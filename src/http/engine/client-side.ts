// The client's half of an exchange, whichever version of HTTP it speaks.

import type { Readable } from "node:stream";
import type { ResponseHead } from "./engine.ts";
import type { RequestSource } from "./request-head.ts";

/** A response head as the client is to get it. */
export interface ClientHead extends ResponseHead {
  readonly hasDate: boolean;
  /** The body's length is not among the fields. */
  readonly isChunked: boolean;
}

export interface ClientSide {
  readonly source: RequestSource;
  readonly body: Readable;
  /** Whether the client is gone, or was answered already. */
  readonly isOver: boolean;
  /** Whether `body` came to its proper end, after it ended. */
  readonly isBodyComplete: boolean;
  /** Names and values in turn, after the body ended. */
  readonly trailers: readonly string[];
  onGone(listener: () => void): void;
  sendContinue(): void;
  sendInterim(head: ResponseHead): void;
  /** `isLast`: the connection cannot carry another request, because this one was not read to its end. */
  sendHead(head: ClientHead, isLast: boolean): void;
  sendWhole(head: ClientHead, body: string, isLast: boolean): void;
  /** Returns whether the bytes are done with; if not, `onWritten` is called once they are. */
  send(chunk: Buffer): boolean;
  onWritten(listener: () => void): void;
  /** What was given to `sendHead` leaves now. */
  flush(): void;
  end(trailers: readonly string[]): void;
  /** Cuts the response off, so that the client cannot take it for whole. */
  abort(): void;
}
