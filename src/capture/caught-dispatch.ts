// A request of undici that waits for its decision. It is answered through a client of the same copy of undici, since
// each of its versions speaks to its handlers in its own way.

import type { EventEmitter } from "node:events";
import type { RequestOptions } from "node:http";
import type { Answer, RequestPatch } from "../exchange/outcome.ts";
import { type ClientKind, type Fields, patchFields } from "../exchange/request.ts";
import { nodeClock } from "../node/node-clock.ts";
import type { Caught, Relay } from "./caught.ts";
import { systemError } from "./network-error.ts";
import { inNextTurn } from "./next-turn.ts";
import { UndiciHandler } from "./undici-handler.ts";
import { bodyAtHand, isPlain, lengthAtHand } from "./undici-request.ts";
import type { VirtualSocket } from "./virtual-socket.ts";
import type { WholeAnswer } from "./whole-answer.ts";
import type { Witness } from "./witness.ts";

/** The handler of a request, of any version. */
export type Handler = Readonly<Record<string, unknown>>;

export interface DispatchOptions {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method?: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly query?: Record<string, string | readonly string[]> | null;
  readonly upgrade?: string | boolean | null;
  readonly headersTimeout?: number | null;
  readonly bodyTimeout?: number | null;
  readonly maxRedirections?: number;
}

export interface Dispatcher extends EventEmitter {
  dispatch(options: DispatchOptions, handler: Handler): boolean;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export type ClientClass = new (origin: string, options?: object) => Dispatcher;

/** Sends it: to the network by the dispatcher that was called, or `on` another one. */
type Send = (options: DispatchOptions, handler: Handler, on?: Dispatcher) => void;

export interface CaughtDispatchOptions {
  readonly method: string;
  readonly url: string;
  readonly client: ClientKind;
  readonly options: DispatchOptions;
  readonly fields: Fields;
  readonly handler: Handler;
  /** The class of single connections of this copy. */
  readonly clientClass: () => ClientClass;
}

export class CaughtDispatch implements Caught {
  readonly method: string;
  readonly url: string;
  readonly client: ClientKind;
  #options: DispatchOptions;
  #fields: Fields;
  #clientClass: () => ClientClass;
  #handler: UndiciHandler;
  #send: Send;
  #witness: Witness | undefined;
  #abandon = (): void => {};
  #headersTimer: unknown;
  #isBodyRead = false;

  constructor(caught: CaughtDispatchOptions, send: Send) {
    this.method = caught.method;
    this.url = caught.url;
    this.client = caught.client;
    this.#options = caught.options;
    this.#fields = caught.fields;
    this.#clientClass = caught.clientClass;
    this.#send = send;
    this.#handler = new UndiciHandler(caught.handler, () => {
      this.#stopWaiting();
      this.#abandon();
    });
  }

  /** Returns at once; `take` is not called when the caller has aborted already. */
  wait(take: () => () => void): void {
    this.#handler.start();
    if (this.#handler.isOver) return;
    const { headersTimeout } = this.#options;
    if (typeof headersTimeout === "number" && headersTimeout > 0) {
      this.#headersTimer = nodeClock.setTimer(() => this.#handler.abort(tooLate()), headersTimeout);
    }
    this.#abandon = take();
  }

  headers(): Fields {
    return this.#fields;
  }

  /** What its dispatcher would do is not known: TLS as the whole process has it. */
  dialOptions(): RequestOptions {
    return {};
  }

  get bodyLength(): number | undefined {
    return this.#isPlain() ? lengthAtHand(this.#options.body, this.#fields) : undefined;
  }

  body(): AsyncIterator<Uint8Array> | undefined {
    if (!this.#isPlain()) return undefined;
    this.#isBodyRead = true;
    return bodyAtHand(this.#options.body);
  }

  /** What undici would complain of goes to it over a connection, and what is observed there. */
  answer(answer: WholeAnswer): boolean {
    if (!this.#isPlain()) return false;
    this.#stopWaiting();
    inNextTurn(() => this.#handler.answer(answer));
    return true;
  }

  attach(socket: VirtualSocket): void {
    this.#stopWaiting();
    if (this.#handler.isOver) return void socket.destroy();
    const { origin } = new URL(this.url.replace(/^ws/, "http"));
    const { bodyTimeout, headersTimeout } = this.#options;
    const OneConnection = this.#clientClass();
    const client = new OneConnection(origin, {
      pipelining: 1,
      allowH2: false,
      bodyTimeout,
      headersTimeout,
      // It expects a connection to take a moment. For a request that was aborted it dials again, and would for ever:
      // the reason why it let go of its socket is not taken for a failure to connect.
      connect: (_: unknown, done: (error: Error | null, socket: VirtualSocket) => void) => {
        const lost = socket.destroyed ? systemError("ECONNRESET", "read") : null;
        process.nextTick(done, lost, socket);
      },
    });
    this.#sendOn(client, { ...this.#withoutReadBody(), origin });
  }

  #isPlain(): boolean {
    return isPlain(this.client, this.#options, this.#fields);
  }

  /** What was read already cannot be sent, and nobody is there who wants it. */
  #withoutReadBody(): DispatchOptions {
    if (!this.#isBodyRead) return this.#options;
    const headers = patchFields(this.#fields, { "content-length": null }).flat();
    return { ...this.#options, headers, body: null };
  }

  fail(error: Error): void {
    this.#stopWaiting();
    this.#handler.fail(error);
  }

  pass(witness: Witness | undefined): void {
    this.#stopWaiting();
    this.#witness = witness;
    if (!this.#handler.isOver) this.#dispatch(this.#options);
  }

  /** Its options are plain data: it is the same request with other ones. */
  relay({ patch, body, witness }: Relay): Promise<Answer> | undefined {
    this.#stopWaiting();
    this.#witness = witness;
    if (this.#handler.isOver) return undefined;
    const options = patched(this.#options, this.url, patch);
    const changed = body === undefined ? options : { ...options, body };
    const { origin } = new URL(this.url.replace(/^ws/, "http"));
    const { origin: target = origin } = changed;
    if (String(target) === origin) this.#dispatch(changed);
    else this.#sendElsewhere(String(target), changed);
    return undefined;
  }

  /** A pool, and its TLS, are for one origin only. */
  #sendElsewhere(origin: string, options: DispatchOptions): void {
    const OneConnection = this.#clientClass();
    this.#sendOn(new OneConnection(origin), options);
  }

  /** By a client that is used once. */
  #sendOn(client: Dispatcher, options: DispatchOptions): void {
    // Versions 5 and 6 follow redirects in here; that is left to the dispatcher which the caller chose.
    const { maxRedirections: _, ...once } = options;
    this.#dispatch(once, client);
    client.close().catch(() => {});
  }

  /** What it throws would have been heard by the dispatcher that was called; that has returned. */
  #dispatch(options: DispatchOptions, on?: Dispatcher): void {
    try {
      this.#send(options, this.#handler.view(this.#witness), on);
    } catch (error) {
      this.#handler.fail(error);
    }
  }

  #stopWaiting(): void {
    if (this.#headersTimer !== undefined) nodeClock.clearTimer(this.#headersTimer);
    this.#headersTimer = undefined;
  }
}

/** What undici itself would say. */
function tooLate(): Error {
  const error = new Error("Headers Timeout Error");
  return Object.assign(error, { name: "HeadersTimeoutError", code: "UND_ERR_HEADERS_TIMEOUT" });
}

/** The forms that undici takes: a flat list, a list of pairs, an iterable of pairs, an object. */
export function fieldsOf(headers: unknown): Fields {
  if (typeof headers !== "object" || headers === null) return [];
  const fields: [string, string][] = [];
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    for (let i = 0; i < headers.length; i += 2) addFields(fields, headers[i], headers[i + 1]);
    return fields;
  }
  const entries =
    Symbol.iterator in headers
      ? (headers as Iterable<[unknown, unknown]>)
      : Object.entries(headers);
  for (const [name, value] of entries) addFields(fields, name, value);
  return fields;
}

function addFields(fields: [string, string][], name: unknown, value: unknown): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) fields.push([textOf(name), textOf(value)]);
  else for (const one of value) fields.push([textOf(name), textOf(one)]);
}

function textOf(value: unknown): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);
}

function patched(options: DispatchOptions, url: string, patch: RequestPatch): DispatchOptions {
  const { origin, pathname, search } = new URL((patch.url ?? url).replace(/^ws/, "http"));
  const { query: _, ...kept } = options;
  const target = patch.url === undefined ? options : { ...kept, origin, path: pathname + search };
  const { method = options.method } = patch;
  if (patch.headers === undefined)
    return { ...target, ...(method === undefined ? {} : { method }) };
  const headers = patchFields(fieldsOf(options.headers), patch.headers).flat();
  return { ...target, headers, ...(method === undefined ? {} : { method }) };
}
