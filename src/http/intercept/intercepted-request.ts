// The request as an intercept's handler sees it, beside its parsed body and parameters.

import type { IncomingMessage, ServerResponse } from "node:http";
import { CrosswireError } from "../../errors.ts";
import { endToEndFields } from "./header-fields.ts";

export type HeaderValues = Readonly<Record<string, string>>;

/** The bytes that came, or with `{ body: "stream" }` the stream they come from. */
export type RequestBody =
  | { readonly bytes: Buffer }
  | { readonly stream: ReadableStream<Uint8Array> };

export class InterceptedRequest {
  readonly method: string;
  /** Path and query, as they were asked for. */
  readonly url: string;
  /** Lower-cased names, without a prototype. Repeated ones are joined. */
  readonly headers: HeaderValues;
  /** Node's own request. Its body is read already, unless the intercept has `{ body: "stream" }`. */
  readonly incoming: IncomingMessage;
  #body: RequestBody;
  #response: ServerResponse;
  #signal: AbortSignal | undefined;
  #query: URLSearchParams | undefined;

  constructor(incoming: IncomingMessage, response: ServerResponse, body: RequestBody) {
    this.method = incoming.method ?? "GET";
    this.url = incoming.url ?? "/";
    this.headers = headersOf(incoming);
    this.incoming = incoming;
    this.#response = response;
    this.#body = body;
  }

  /** As it was asked for, escapes included. */
  get path(): string {
    return this.url.split("?", 1)[0] ?? "/";
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.url.slice(this.path.length)));
  }

  /** Names and values in turn: order, case and duplicates as they came. */
  get rawHeaders(): readonly string[] {
    return this.incoming.rawHeaders;
  }

  /** Exactly what came on the wire, compressed if it was. Throws TypeError for a body that is streamed. */
  get rawBody(): Buffer {
    if ("bytes" in this.#body) return this.#body.bytes;
    throw new TypeError(
      'An intercept with { body: "stream" } has no rawBody; read the stream it is given.',
    );
  }

  /** Fires when the client goes away before it has its whole answer. */
  get signal(): AbortSignal {
    return (this.#signal ??= this.#createSignal());
  }

  /**
   * The request for `fetch`, or for a handler that takes one. `target` is the base URL that path and query are added
   * to; without it the URL is the one that the client asked for, at this server.
   *
   * Host, Accept-Encoding and what concerns one connection only are left out; fetch adds its own. A GET or HEAD has
   * no body there.
   *
   * @example
   * server.interceptHttp("POST", "/orders", async (body, _params, _headers, request) => {
   *   seen.push(body)
   *   return fetch(request.toRequest("http://127.0.0.1:4000"))
   * })
   */
  toRequest(target: string | URL = `http://${this.headers["host"] ?? "localhost"}`): Request {
    const base = String(target).replace(/\/$/, "");
    if (/[?#]/.test(base)) {
      throw new TypeError(`The target ${base} has a query or a fragment; give its base URL only.`);
    }
    const { method, signal } = this;
    const headers = endToEndFields(this.rawHeaders);
    if (method === "GET" || method === "HEAD") {
      return new Request(base + this.url, { method, headers, signal });
    }
    const body = "bytes" in this.#body ? this.#body.bytes : this.#body.stream;
    return new Request(base + this.url, { method, headers, signal, body, duplex: "half" });
  }

  #createSignal(): AbortSignal {
    const controller = new AbortController();
    const response = this.#response;
    const onClose = (): void => {
      if (response.writableFinished) return;
      const text = `The client of ${this.method} ${this.url} went away before it had its answer.`;
      controller.abort(new CrosswireError("XW_CANCELLED", text));
    };
    if (response.destroyed) onClose();
    else response.on("close", onClose);
    return controller.signal;
  }
}

function headersOf({ headers }: IncomingMessage): HeaderValues {
  const values = Object.create(null) as Record<string, string>;
  for (const name of Object.keys(headers)) values[name] = String(headers[name]);
  return values;
}
