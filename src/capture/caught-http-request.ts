// A ClientRequest that waits for its decision without a socket. Node queues what is written meanwhile; what else a
// request does only once it has a socket (ending when destroyed, timing out) is done for it here.

import http, {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import type { Answer } from "../exchange/outcome.ts";
import { type ClientKind, type Fields, fieldsFrom, patchFields } from "../exchange/request.ts";
import { nodeClock } from "../node/node-clock.ts";
import type { Caught, Relay } from "./caught.ts";
import { internal } from "./context.ts";
import type { PairSocket } from "./pair.ts";
import { StandIn } from "./stand-in.ts";

/** What Node has of a request beside what it documents. */
export interface InnerRequest extends Omit<ClientRequest, "agent"> {
  agent: Agent | undefined;
  timeout?: number;
  /** The head as text, once it cannot change any more. */
  _header: string | null;
  _implicitHeader(): void;
  onSocket(socket: unknown, error?: Error): void;
}

/** Likewise of an agent: it connects a request. */
export interface InnerAgent {
  addRequest(request: InnerRequest, settings: RequestSettings, ...rest: unknown[]): void;
}

export type RequestSettings = RequestOptions;

interface CaughtOptions {
  readonly request: InnerRequest;
  readonly settings: RequestSettings;
  readonly url: string;
  readonly client: ClientKind;
  readonly pass: () => void;
}

/** For a client that waits for a socket before it writes anything. */
const HEAD_WAIT_MS = 20;
/** Longer than most decisions take: the others need no stand-in. */
const STAND_IN_AFTER_MS = 25;

const OVERRIDDEN = ["destroy", "setTimeout", "_implicitHeader"] as const;

export class CaughtHttpRequest implements Caught {
  readonly method: string;
  readonly url: string;
  readonly client: ClientKind;
  #request: InnerRequest;
  #options: CaughtOptions;
  #isWaiting = true;
  #standIn: StandIn | undefined;
  /** First until the head is final, then until a stand-in is due. */
  #timer: unknown;
  #timeout: unknown;

  constructor(options: CaughtOptions) {
    this.#options = options;
    this.#request = options.request;
    this.method = options.request.method;
    this.url = options.url;
    this.client = options.client;
  }

  /** Calls `take` once the head is final; what that returns is called when the request is destroyed first. */
  wait(take: () => () => void): void {
    const request = this.#request;
    let abandon = (): void => {};
    const begin = (): void => {
      Reflect.deleteProperty(request, "_implicitHeader");
      if (!this.#isWaiting) return;
      this.#setTimer(() => this.#showStandIn(), STAND_IN_AFTER_MS);
      abandon = take();
    };
    this.#override("destroy", (destroy) => (error) => {
      const destroyed = destroy.call(request, error);
      process.nextTick(() => this.#end(abandon));
      return destroyed;
    });
    this.#override("setTimeout", (setTimeout) => (ms, listener) => {
      this.#armTimeout(ms);
      return setTimeout.call(request, ms, listener);
    });
    this.#armTimeout(request.timeout ?? 0);
    if (request._header !== null) return begin();
    this.#override("_implicitHeader", (render) => () => {
      render.call(request);
      begin();
    });
    this.#setTimer(begin, HEAD_WAIT_MS);
  }

  headers(): Fields {
    const { _header: head } = this.#request;
    if (head !== null) return parseHead(head);
    return this.#request
      .getRawHeaderNames()
      .flatMap((name) =>
        [this.#request.getHeader(name) ?? []]
          .flat()
          .map((value): [string, string] => [name, String(value)]),
      );
  }

  attach(socket: PairSocket): void {
    if (!this.#stopWaiting()) return void socket.destroy();
    socket.connecting = true;
    // Keep-alive is not for a connection that serves one exchange.
    socket.on("free", () => socket.destroy());
    const { timeout = 0 } = this.#request;
    if (timeout > 0) socket.setTimeout(timeout);
    this.#request.onSocket(socket);
    // After the request has told its listeners of the socket: they may listen to it.
    process.nextTick(() => socket.connected());
  }

  fail(error: Error): void {
    if (!this.#stopWaiting()) return;
    this.#standIn?.socket.destroy();
    this.#request.onSocket(null, error);
  }

  pass(): void {
    if (!this.#stopWaiting()) return;
    try {
      this.#options.pass();
    } catch (error) {
      // It would have been thrown where the request was made; that is over.
      this.#request.onSocket(null, error as Error);
    }
  }

  /** The client may have sent its body already, so it is another request that goes to the network. */
  async relay(relay: Relay): Promise<Answer> {
    const { patch, signal } = relay;
    const { request: sent } = await relay.arrival();
    const fields = patchFields(relayedFields(sent, patch.url), patch.headers ?? {});
    const method = patch.method ?? this.method;
    const outgoing = internal(() => this.#open(patch.url, method, fields));
    signal.addEventListener("abort", () => outgoing.destroy(), { once: true });
    return new Promise((resolve, reject) => {
      outgoing.on("response", (response) => resolve(answerFrom(response)));
      outgoing.on("error", reject);
      if (!hasBody(sent)) return void outgoing.end();
      pipeline(relay.wholeBody(), outgoing, (error) => {
        if (error) reject(error);
      });
    });
  }

  /** With the settings of the caught request: its agent, its TLS. */
  #open(url: string | undefined, method: string, fields: Fields): ClientRequest {
    const { agent, protocol: before, host, path } = this.#request;
    const headers = fields.flat() as unknown as RequestOptions["headers"];
    const { signal: _, timeout: __, ...kept } = this.#options.settings;
    const { protocol, ...target } =
      url === undefined ? { protocol: before, host, path } : targetOf(url);
    const hostname = target.host;
    const common = { ...kept, ...target, hostname, protocol, method, headers, setHost: false };
    const send = protocol === "https:" ? https.request : http.request;
    if (protocol === before) return send({ ...common, agent } as RequestOptions);
    // An agent, and a way to connect, are for one protocol only.
    const { createConnection: ___, agent: ____, ...other } = common;
    return send(other as RequestOptions);
  }

  #showStandIn(): void {
    const request = this.#request;
    if (!this.#isWaiting || request.listenerCount("socket") === 0) return;
    const standIn = new StandIn((error) => {
      if (this.#isWaiting) request.destroy(error);
    });
    this.#standIn = standIn;
    request.emit("socket", standIn.socket as unknown as Socket);
    request.prependOnceListener("socket", (socket) => standIn.follow(socket, request));
  }

  #end(abandon: () => void): void {
    if (!this.#stopWaiting()) return;
    abandon();
    this.#standIn?.socket.destroy();
    // Without it, a request that never had a socket never ends.
    this.#request.onSocket(null);
  }

  #armTimeout(ms: number): void {
    if (this.#timeout !== undefined) nodeClock.clearTimer(this.#timeout);
    this.#timeout = undefined;
    if (ms > 0) this.#timeout = nodeClock.setTimer(() => this.#request.emit("timeout"), ms);
  }

  #setTimer(callback: () => void, ms: number): void {
    nodeClock.clearTimer(this.#timer);
    this.#timer = nodeClock.setTimer(callback, ms);
  }

  /** From here on the request is Node's alone. False when it was before. */
  #stopWaiting(): boolean {
    if (!this.#isWaiting) return false;
    this.#isWaiting = false;
    nodeClock.clearTimer(this.#timer);
    this.#armTimeout(0);
    for (const name of OVERRIDDEN) Reflect.deleteProperty(this.#request, name);
    return true;
  }

  #override<Name extends (typeof OVERRIDDEN)[number]>(
    name: Name,
    make: (original: InnerRequest[Name]) => InnerRequest[Name],
  ): void {
    const value = make(this.#request[name]);
    Object.defineProperty(this.#request, name, { value, configurable: true, writable: true });
  }
}

/** `GET / HTTP/1.1`, and fields below it. */
function parseHead(head: string): Fields {
  const lines = head.split("\r\n").slice(1, -2);
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

/** Another host is called by its own name; and nobody is left who waits to be told to continue. */
function relayedFields({ rawHeaders }: IncomingMessage, url: string | undefined): Fields {
  const patch = { expect: null, ...(url === undefined ? {} : { host: new URL(url).host }) };
  return patchFields(fieldsFrom(rawHeaders), patch);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function targetOf(url: string): Pick<RequestOptions, "port" | "path"> & {
  readonly protocol: string;
  readonly host: string;
  readonly socketPath: undefined;
} {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const number = Number(port) || (protocol === "https:" ? 443 : 80);
  return { protocol, host, port: number, path: pathname + search, socketPath: undefined };
}

function answerFrom(response: IncomingMessage): Answer {
  const answer: Answer = {
    kind: "respond",
    status: response.statusCode ?? 502,
    statusText: response.statusMessage ?? "",
    headers: fieldsFrom(response.rawHeaders),
    body: response,
  };
  // What has a length has no trailers.
  if (response.headers["transfer-encoding"] === undefined) return answer;
  return { ...answer, trailers: () => fieldsFrom(response.rawTrailers) };
}
