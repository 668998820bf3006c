// A client that speaks HTTP/1: node:http reads its request and writes its response.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClientHead, ClientSide } from "./client-side.ts";
import type { ResponseHead } from "./engine.ts";
import { withoutFields } from "./fields.ts";
import type { RequestSource } from "./request-head.ts";

export class Http1Client implements ClientSide {
  readonly source: RequestSource;
  readonly body: IncomingMessage;
  #response: ServerResponse;
  #written: () => void = nothing;

  constructor(request: IncomingMessage, response: ServerResponse) {
    const { method = "GET", url = "/", rawHeaders, socket } = request;
    this.source = { method, url, rawHeaders, socket, isHttp1: true, hasUnframedBody: false };
    this.body = request;
    this.#response = response;
  }

  get isOver(): boolean {
    const { destroyed, writableEnded, headersSent } = this.#response;
    return destroyed || writableEnded || headersSent;
  }

  get isBodyComplete(): boolean {
    return this.body.complete;
  }

  get trailers(): readonly string[] {
    return this.body.rawTrailers;
  }

  onGone(listener: () => void): void {
    this.#response.on("close", listener);
  }

  sendContinue(): void {
    this.#response.writeContinue();
  }

  /** Node has no public way to write any interim response, so it goes to the socket, if it is this response's turn. */
  sendInterim({ status, statusText, fields }: ResponseHead): void {
    const { socket, headersSent } = this.#response;
    if (socket === null || headersSent || this.body.httpVersionMinor === 0) return;
    let text = `HTTP/1.1 ${status} ${statusText}\r\n`;
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    socket.write(`${text}\r\n`, "latin1");
  }

  sendHead(head: ClientHead, isLast: boolean): void {
    const response = this.#response;
    response.sendDate = !head.hasDate;
    let fields = head.fields;
    if (isLast) fields = [...fields, "Connection", "close"];
    // To a client of HTTP/1.0 the end of the connection is the end of the body, and no trailers can follow.
    if (head.isChunked) {
      fields =
        this.body.httpVersionMinor === 1
          ? [...fields, "Transfer-Encoding", "chunked"]
          : withoutFields(fields, TRAILER);
    }
    response.writeHead(head.status, head.statusText, fields as string[]);
  }

  /**
   * HOT: head and body in one string are one write, benchmarks/proxy. `end(body)` would make a list of it and of its
   * own empty last word, and the corked turn that `write(body)` begins, too.
   */
  sendWhole(head: ClientHead, body: string, isLast: boolean): void {
    this.sendHead(head, isLast);
    const response = this.#response;
    if (body !== "") {
      const { socket } = response;
      socket?.cork();
      response.write(body, "latin1");
      socket?.uncork();
    }
    response.end();
  }

  /** HOT: what is written within a turn of our own leaves at once, and its memory can be used again. */
  send(chunk: Buffer): boolean {
    const response = this.#response;
    const { socket } = response;
    socket?.cork();
    response.write(chunk, this.#written);
    socket?.uncork();
    return response.writableLength === 0;
  }

  onWritten(listener: () => void): void {
    this.#written = listener;
  }

  flush(): void {
    // flushHeaders() would write bytes beyond ASCII as UTF-8.
    this.#response.write("", "latin1");
  }

  end(trailers: readonly string[]): void {
    if (trailers.length > 0 && this.#response.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let i = 0; i < trailers.length; i += 2)
        pairs.push([trailers[i] as string, trailers[i + 1] as string]);
      this.#response.addTrailers(pairs);
    }
    this.#response.end();
  }

  abort(): void {
    this.#response.destroy();
  }
}

const TRAILER: ReadonlySet<string> = new Set(["trailer"]);

function nothing(): void {}
