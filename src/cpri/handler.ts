// What a handler is to whoever runs it: the seam between what a test writes and the traffic that it is asked about.

import type { Outcome } from "../exchange/outcome.ts";
import type { RequestHead } from "../exchange/request.ts";
import type { Interest } from "./interest.ts";
import type { WebSocketConnection } from "./websocket-connection.ts";

/** One request that handlers are asked about, in turn. */
export interface AskedRequest extends RequestHead {
  /** Parsed once; of a WebSocket with the scheme `ws:` or `wss:`. */
  readonly location: URL;
  /** Aborts when the client gives up, also while it is being answered. */
  readonly signal: AbortSignal;
  /** A Request of the web, new for each call. All of them read the same body, from its beginning. */
  toRequest(): Request;
}

/** What a handler returns. Undefined: it falls through to the next one. */
export type HandlerResult = Response | Outcome | undefined;

export interface HttpHandler {
  readonly kind: "http";
  /** For people: `GET https://example.com/users/:id`. */
  readonly label: string;
  readonly interest: Interest;
  /** Undefined where it does not match, or has been used up; then nothing was run. */
  handle(
    request: AskedRequest,
  ): { readonly result: HandlerResult | Promise<HandlerResult> } | undefined;
  /** How far a request is from this handler, for the explanation of a miss: the fewer the nearer. */
  distance(request: Pick<AskedRequest, "method" | "location">): {
    readonly points: number;
    readonly because: string;
  };
  /** Makes a handler that was to be used once usable again. */
  reset(): void;
}

export interface WebSocketHandler {
  readonly kind: "websocket";
  readonly label: string;
  readonly interest: Interest;
  /** Undefined where it does not match; then nothing was run. */
  open(connection: WebSocketConnection): void | undefined | true;
}

export type Handler = HttpHandler | WebSocketHandler;

/** Answers whatever it is asked, such as `app.fetch` of a web framework. Undefined: the next handler is asked. */
export type RequestFunction = (
  request: Request,
  context: { readonly requestId: string },
) => HandlerResult | Promise<HandlerResult>;

/** What tests write. */
export type HandlerInput = Handler | RequestFunction;
