// A client that speaks HTTP/2: node:http2 frames its request and response, one stream for each exchange.

import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from "node:http2";
import type { ClientHead, ClientSide } from "./client-side.ts";
import type { ResponseHead } from "./engine.ts";
import { toHttp1Fields, toHttp2Fields } from "./http2-fields.ts";
import type { RequestSource } from "./request-head.ts";

/** RFC 9113 7; from node:http2 it would come with all of that module. */
const INTERNAL_ERROR = 2;

export class Http2Client implements ClientSide {
  readonly source: RequestSource;
  readonly body: Http2ServerRequest;
  #stream: ServerHttp2Stream;
  #response: Http2ServerResponse;
  #written: () => void = () => {};

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    const { method, url, rawHeaders, headers, stream } = request;
    this.body = request;
    this.#stream = stream;
    this.#response = response;
    this.source = {
      method,
      url,
      rawHeaders: toHttp1Fields(rawHeaders, headers),
      socket: request.socket,
      isHttp1: false,
      hasUnframedBody: !stream.endAfterHeaders,
    };
  }

  get isOver(): boolean {
    return this.#stream.destroyed || this.#stream.headersSent;
  }

  get isBodyComplete(): boolean {
    return this.body.complete;
  }

  get trailers(): readonly string[] {
    return this.body.rawTrailers;
  }

  onGone(listener: () => void): void {
    this.#stream.once("close", listener);
  }

  sendContinue(): void {
    this.#response.writeContinue();
  }

  sendInterim({ status, fields }: ResponseHead): void {
    if (!this.isOver) this.#stream.additionalHeaders(toHttp2Fields(status, fields));
  }

  sendHead(head: ClientHead): void {
    this.#stream.respond(toHttp2Fields(head.status, head.fields), { waitForTrailers: true });
  }

  sendWhole(head: ClientHead, body: string): void {
    this.#stream.respond(toHttp2Fields(head.status, head.fields), { endStream: body === "" });
    if (body !== "") this.#stream.end(body, "latin1");
  }

  send(chunk: Buffer): boolean {
    this.#stream.write(chunk, this.#written);
    return this.#stream.writableLength === 0;
  }

  onWritten(listener: () => void): void {
    this.#written = listener;
  }

  /** Heads leave at once. */
  flush(): void {}

  /** Node sends the trailers of its response object once the stream asks for them. */
  end(trailers: readonly string[]): void {
    const { [":status"]: _none, ...fields } = toHttp2Fields(0, trailers);
    this.#response.addTrailers(fields);
    this.#stream.end();
  }

  abort(): void {
    this.#stream.close(INTERNAL_ERROR);
  }
}
