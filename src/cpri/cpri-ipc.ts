// What senders (where traffic is caught) and receivers (where it is decided) say to each other. A receiver listens,
// each sender connects to it. docs/reference/protocol.md has the same in words, for peers in other languages.

import type { RequestPatch } from "../exchange/outcome.ts";
import type { Fields, RequestHead } from "../exchange/request.ts";
import type {
  IPCClientRequest,
  IPCClientStream,
  IPCServerMessage,
  IPCServerRequest,
  IPCServerStream,
} from "../wire/definition-types.ts";
import { define } from "../wire/definition.ts";
import type { WithBytes } from "../wire/with-bytes.ts";
import type { WireOrder, WireReport } from "./wire-frames.ts";

export const CPRI_VERSION = 1;

/** A sender introduces itself. */
export interface Hello {
  readonly protocol: number;
  readonly pid: number;
  /** Of the process, for people. */
  readonly title: string;
}

export interface Welcome {
  readonly protocol: number;
  readonly pid: number;
  /** In milliseconds since 1970: of several receivers the youngest is asked first. */
  readonly startedAt: number;
  readonly state: State;
}

/** What a receiver wants to be asked about. In a `cpri/state` the scopes are those that changed. */
export interface State {
  readonly unhandled: UnhandledMode;
  /** Whether somebody wants to see all requests, and how they end. */
  readonly watches: boolean;
  readonly scopes: readonly Scope[];
}

/** What becomes of requests that no handler wants: nothing; the receiver is told; or it is asked. */
export type UnhandledMode = "bypass" | "tell" | "ask";

export interface Scope {
  /** Only for requests with this context; without, for all. */
  readonly contextId?: string;
  /** Pairs of a method and the outline of a URL; `null` ends the scope. */
  readonly http: readonly WireInterest[] | null;
  readonly websocket: readonly WireInterest[] | null;
}

export type WireInterest = readonly [method: string, outline: string];

/**
 * A body: as text; as the bytes beside the JSON of the frame; or to be read as a stream of its own,
 * `cpri/request-body` or `cpri/response-body` with the id of the request. Absent: there is none.
 */
export type WireBody =
  | { readonly text: string }
  | { readonly bytes: true }
  | { readonly stream: true };

export interface WireRequest extends RequestHead {
  readonly body?: WireBody;
  /** Nobody wanted it. The answer `unhandled` lets it go, everything else ends it. */
  readonly isLast?: true;
}

/** A request or an outcome, and the bytes of its body where they are beside it. */
export type MaybeWithBytes<Value> = Value | WithBytes<Value>;

export type Verdict =
  | WireAnswer
  | { readonly kind: "error"; readonly code: string; readonly message?: string }
  | { readonly kind: "passthrough"; readonly patch?: RequestPatch }
  | { readonly kind: "unhandled" }
  | { readonly kind: "exception"; readonly error: WireError };

export interface WireAnswer {
  readonly kind: "respond";
  readonly status: number;
  readonly statusText?: string;
  readonly headers: Fields;
  readonly body?: WireBody;
  /** To be streamed: they are the last item of `cpri/response-body`. */
  readonly trailers?: Fields | { readonly stream: true };
}

/** A piece of a body, or at its end the trailers that were announced. */
export type BodyItem = Uint8Array | { readonly trailers: Fields };

export interface WireError {
  readonly name: string;
  readonly message: string;
}

/** How a request ended that the receiver knows of, by `cpri/request` or `cpri/seen`. */
export interface Settled {
  readonly id: string;
  /** Who answered: this receiver, another one, the application's own handlers, or the network. */
  readonly source: "mock" | "other" | "app" | "network";
  readonly ms: number;
  readonly response?: {
    readonly status: number;
    readonly statusText?: string;
    readonly headers: Fields;
    readonly body?: WireBody;
  };
  /** The client got no answer. */
  readonly error?: { readonly code?: string; readonly message: string };
}

export interface Unhandled {
  readonly method: string;
  readonly url: string;
  readonly contextId?: string;
}

/** Whether a handler has taken a WebSocket. Then the sender opens `cpri/ws-frame`. */
export interface WebSocketVerdict {
  readonly kind: "handled" | "unhandled";
}

export interface CpriDefinitions {
  readonly hello: IPCServerRequest<Hello, Welcome>;
  readonly request: IPCServerRequest<MaybeWithBytes<WireRequest>, MaybeWithBytes<Verdict>>;
  readonly responseBody: IPCServerStream<{ readonly id: string }, BodyItem>;
  readonly webSocketOpen: IPCServerRequest<RequestHead, WebSocketVerdict>;
  /** Orders come down, reports go up. */
  readonly webSocketFrame: IPCServerStream<{ readonly id: string }, WireOrder, WireReport>;
  /** For those who watch: a request that somebody has decided who was asked before them. */
  readonly seen: IPCServerMessage<MaybeWithBytes<WireRequest>>;
  readonly settled: IPCServerMessage<MaybeWithBytes<Settled>>;
  readonly unhandled: IPCServerMessage<Unhandled>;
  /** The receiver has new handlers. The answer says that the sender knows. */
  readonly state: IPCClientRequest<State, void>;
  readonly requestBody: IPCClientStream<{ readonly id: string }, Uint8Array>;
}

export const CpriIPC: CpriDefinitions = {
  hello: define("request", "cpri/hello"),
  request: define("request", "cpri/request"),
  responseBody: define("stream", "cpri/response-body"),
  webSocketOpen: define("request", "cpri/ws-open"),
  webSocketFrame: define("stream", "cpri/ws-frame"),
  seen: define("message", "cpri/seen"),
  settled: define("message", "cpri/settled"),
  unhandled: define("message", "cpri/unhandled"),
  state: define("request", "cpri/state"),
  requestBody: define("stream", "cpri/request-body"),
};
