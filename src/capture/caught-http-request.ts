// A ClientRequest that waits for its decision without a socket. Node queues what is written meanwhile; what else a
// request does only once it has a socket (ending when destroyed, timing out) is done for it here.

import http, {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  type InformationEvent,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { pipeline } from "node:stream";
import type { Answer } from "../exchange/outcome.ts";
import { type ClientKind, type Fields, fieldsFrom, patchFields } from "../exchange/request.ts";
import { nodeClock } from "../node/node-clock.ts";
import { AnsweringSocket } from "./answering-socket.ts";
import type { Caught, Relay } from "./caught.ts";
import { internal } from "./context.ts";
import { StandIn } from "./stand-in.ts";
import type { Place, VirtualSocket } from "./virtual-socket.ts";
import { beginWaiting, endWaiting, type Waiter } from "./waiting-request.ts";
import { headText, type WholeAnswer } from "./whole-answer.ts";
import { watchRequest, type Witness } from "./witness.ts";

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

/** How long a request may have no head, and then no socket: longer than most decisions take. */
const PATIENCE_MS = 20;

export class CaughtHttpRequest implements Caught, Waiter {
  readonly method: string;
  readonly url: string;
  readonly client: ClientKind;
  #request: InnerRequest;
  #options: CaughtOptions;
  #isWaiting = true;
  #standIn: StandIn | undefined;
  /** Until the head is final. */
  #take: (() => () => void) | undefined;
  #abandon = (): void => {};
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
    this.#take = take;
    beginWaiting(request, this);
    this.timeoutSet(request.timeout ?? 0);
    this.#timer = nodeClock.setTimer(() => this.#becameLong(), PATIENCE_MS);
    if (request._header !== null) this.headRendered();
  }

  headRendered(): void {
    const take = this.#take;
    this.#take = undefined;
    if (take !== undefined && this.#isWaiting) this.#abandon = take();
  }

  timeoutSet(ms: number): void {
    if (this.#timeout !== undefined) nodeClock.clearTimer(this.#timeout);
    this.#timeout = undefined;
    if (ms > 0) this.#timeout = nodeClock.setTimer(() => this.#request.emit("timeout"), ms);
  }

  destroyed(): void {
    process.nextTick(() => this.#end());
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

  dialOptions(): RequestOptions {
    const { settings } = this.#options;
    return { ...settings, agent: this.#request.agent };
  }

  /** Who waits to be told to continue, or for a socket before it writes its head, needs somebody to talk to. */
  answer(answer: WholeAnswer): boolean {
    const { _header: head } = this.#request;
    if (this.client === "websocket" || head === null || /^expect:/im.test(head)) return false;
    this.attach(new AnsweringSocket(this.#place(), answer, () => this.#abandon()));
    return true;
  }

  attach(socket: VirtualSocket): void {
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

  pass(witness: Witness | undefined): void {
    if (!this.#stopWaiting()) return;
    if (witness !== undefined) watchRequest(this.#request, witness);
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
    const { request: sent, response: virtual } = await relay.arrival();
    const fields = patchFields(relayedFields(sent, patch.url), patch.headers ?? {});
    const method = patch.method ?? this.method;
    const outgoing = internal(() => this.#open(patch.url, method, fields));
    if (relay.witness !== undefined) watchRequest(outgoing, relay.witness);
    signal.addEventListener("abort", () => outgoing.destroy(), { once: true });
    return new Promise((resolve, reject) => {
      outgoing.on("information", (information) => inform(virtual, information));
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

  #place(): Place {
    const isSecure = this.#request.protocol === "https:";
    const port = Number(this.#options.settings.port) || (isSecure ? 443 : 80);
    return { host: this.#request.host, port, isSecure };
  }

  /** There are clients that write nothing before they have a socket, and some that wait for one to time out. */
  #becameLong(): void {
    if (this.#take === undefined) return this.#showStandIn();
    this.#timer = nodeClock.setTimer(() => this.#showStandIn(), PATIENCE_MS);
    this.headRendered();
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

  #end(): void {
    if (!this.#stopWaiting()) return;
    this.#abandon();
    this.#standIn?.socket.destroy();
    // Without it, a request that never had a socket never ends.
    this.#request.onSocket(null);
  }

  /** From here on the request is Node's alone. False when it was before. */
  #stopWaiting(): boolean {
    if (!this.#isWaiting) return false;
    this.#isWaiting = false;
    nodeClock.clearTimer(this.#timer);
    this.timeoutSet(0);
    endWaiting(this.#request);
    return true;
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

/** What comes before an answer, early hints above all. Node can write only some of it. */
function inform({ socket }: ServerResponse, information: InformationEvent): void {
  const { statusCode, statusMessage, rawHeaders } = information;
  // Whether it may send its body, the client has been told already.
  if (statusCode === 100) return;
  socket?.write(headText(statusCode, statusMessage, fieldsFrom(rawHeaders)), "latin1");
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
