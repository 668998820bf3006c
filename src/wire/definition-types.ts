// The types of definitions: which side answers, and what payload, answer and upload are.
// Nothing of this exists at run time; there a definition is its path (wire/definition.ts).

import type { Codec } from "./payload.ts";
import type { InputOf, OutputOf, StandardSchema } from "./schema.ts";

declare const SIDE: unique symbol;
declare const CALLER: unique symbol;
declare const HANDLER: unique symbol;

export type Side = "server" | "client";
export type Kind = "request" | "message" | "stream";

/** The types as the caller sees them and as the handler sees them: with schemas the two may differ. */
type Defined<AnsweredBy extends Side, Of extends Kind, Caller, Handler> = string & {
  readonly [SIDE]: readonly [AnsweredBy, Of];
  readonly [CALLER]: Caller;
  readonly [HANDLER]: Handler;
};

type Call<Req, Res> = (payload: Req) => Res;

export type RequestOf<S extends Side, Req, Res, HandlerReq = Req, HandlerRes = Res> = Defined<
  S,
  "request",
  Call<Req, Res>,
  Call<HandlerReq, HandlerRes>
>;
export type MessageOf<S extends Side, P, HandlerP = P> = Defined<
  S,
  "message",
  Call<P, void>,
  Call<HandlerP, void>
>;
export type StreamOf<
  S extends Side,
  Req,
  Item,
  Upload,
  HandlerReq = Req,
  HandlerItem = Item,
> = Defined<
  S,
  "stream",
  (payload: Req, upload: Upload) => Item,
  (payload: HandlerReq, upload: Upload) => HandlerItem
>;

/** A request that the server answers. */
export type IPCServerRequest<Req, Res, HReq = Req, HRes = Res> = RequestOf<
  "server",
  Req,
  Res,
  HReq,
  HRes
>;
/** A request that a client answers. */
export type IPCClientRequest<Req, Res, HReq = Req, HRes = Res> = RequestOf<
  "client",
  Req,
  Res,
  HReq,
  HRes
>;
/** A message to the server; nothing comes back. */
export type IPCServerMessage<P, HP = P> = MessageOf<"server", P, HP>;
/** A message to clients; nothing comes back. */
export type IPCClientMessage<P, HP = P> = MessageOf<"client", P, HP>;
/** A stream that the server produces. */
export type IPCServerStream<Req, Item, Upload = Uint8Array, HReq = Req, HItem = Item> = StreamOf<
  "server",
  Req,
  Item,
  Upload,
  HReq,
  HItem
>;
/** A stream that a client produces. */
export type IPCClientStream<Req, Item, Upload = Uint8Array, HReq = Req, HItem = Item> = StreamOf<
  "client",
  Req,
  Item,
  Upload,
  HReq,
  HItem
>;

/** The payload comes first; a payload that may be undefined may be left out. */
export type PayloadAnd<Payload, Rest extends unknown[]> = undefined extends Payload
  ? [payload?: Payload, ...rest: Rest]
  : [payload: Payload, ...rest: Rest];

export interface DefinitionOptions {
  /** Standard Schema of the payload; checked where it is received. */
  readonly input?: StandardSchema;
  /** Standard Schema of the answer, or of each item of a stream; checked where it is received. */
  readonly output?: StandardSchema;
  /** Instead of `limits.callTimeoutMs`. For streams: the whole stream; unbounded if left out. */
  readonly timeoutMs?: number;
  /** The handler may run twice without harm, so the call may be sent again after a reconnect. */
  readonly idempotent?: boolean;
  readonly codec?: Codec;
}

/** With a schema the types are inferred from it. */
export type SchemaOptions = DefinitionOptions &
  ({ readonly input: StandardSchema } | { readonly output: StandardSchema });
export type CallerInput<O> = O extends { readonly input: infer S } ? InputOf<S> : void;
export type HandlerInput<O> = O extends { readonly input: infer S } ? OutputOf<S> : void;
export type HandlerOutput<O> = O extends { readonly output: infer S } ? InputOf<S> : void;
export type CallerOutput<O> = O extends { readonly output: infer S } ? OutputOf<S> : void;

/** `defineRequest` as IPCServer and IPCClient offer it, each for what it answers. */
export interface DefineRequest<S extends Side> {
  <O extends SchemaOptions>(
    path: string,
    options: O,
  ): RequestOf<S, CallerInput<O>, CallerOutput<O>, HandlerInput<O>, HandlerOutput<O>>;
  <Req = unknown, Res = unknown>(path: string, options?: DefinitionOptions): RequestOf<S, Req, Res>;
}

export interface DefineMessage<S extends Side> {
  <O extends SchemaOptions>(
    path: string,
    options: O,
  ): MessageOf<S, CallerInput<O>, HandlerInput<O>>;
  <P = unknown>(path: string, options?: DefinitionOptions): MessageOf<S, P>;
}

export interface DefineStream<S extends Side> {
  <O extends SchemaOptions>(
    path: string,
    options: O,
  ): StreamOf<S, CallerInput<O>, CallerOutput<O>, Uint8Array, HandlerInput<O>, HandlerOutput<O>>;
  <Req = unknown, Item = unknown, Upload = Uint8Array>(
    path: string,
    options?: DefinitionOptions,
  ): StreamOf<S, Req, Item, Upload>;
}
