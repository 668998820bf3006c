// The client's half of a WebSocket handshake, whichever version of HTTP it speaks.

import type { Duplex } from "node:stream";
import type { UpstreamHead } from "./response-head.ts";

export interface TunnelClient {
  /** Carries the bytes of the WebSocket, once it was accepted. */
  readonly stream: Duplex;
  /** Tells the client that the target agreed. Throws when what the target said is no agreement. */
  accept(head: UpstreamHead, fields: readonly string[]): void;
  /** Tells the client what the target said instead; its body follows. */
  refuse(head: UpstreamHead, fields: readonly string[]): RefusalBody;
}

export interface RefusalBody {
  /** Returns whether the bytes are done with; if not, `onWritten` is called once they are. */
  send(chunk: Buffer, onWritten: () => void): boolean;
  end(): void;
}

/** A client that asked by `Upgrade`, RFC 6455. */
export class Http1TunnelClient implements TunnelClient {
  readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
  }

  accept({ statusText }: UpstreamHead, fields: readonly string[]): void {
    const first = `HTTP/1.1 101 ${statusText}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`;
    this.stream.write(`${first}${linesOf(fields)}\r\n`, "latin1");
  }

  refuse(head: UpstreamHead, fields: readonly string[]): RefusalBody {
    return new Http1Refusal(this.stream, head, fields);
  }
}

/** The connection ends with it: what the client may have sent behind its handshake is nobody's request. */
class Http1Refusal implements RefusalBody {
  #stream: Duplex;
  #isChunked: boolean;

  constructor(stream: Duplex, head: UpstreamHead, fields: readonly string[]) {
    this.#stream = stream;
    this.#isChunked = head.framing === "chunked";
    const framing = this.#isChunked ? "Transfer-Encoding: chunked\r\n" : "";
    const first = `HTTP/1.1 ${head.status} ${head.statusText}\r\n`;
    stream.write(`${first}${linesOf(fields)}${framing}Connection: close\r\n\r\n`, "latin1");
  }

  send(chunk: Buffer, onWritten: () => void): boolean {
    if (chunk.length === 0) return true;
    if (this.#isChunked) this.#stream.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#stream.write(chunk, onWritten);
    if (this.#isChunked) this.#stream.write("\r\n", "latin1");
    return this.#stream.writableLength === 0;
  }

  end(): void {
    this.#stream.once("finish", () => this.#stream.destroy());
    this.#stream.end(this.#isChunked ? "0\r\n\r\n" : "", "latin1");
  }
}

function linesOf(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
