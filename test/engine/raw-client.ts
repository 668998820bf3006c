// An HTTP client that writes the bytes a test gives it and reads the answers by the letter.

import { RawSocket } from "../fixtures/raw-socket.ts";
import { type HttpMessage, type ReadOptions, readResponse } from "../fixtures/strict-message.ts";
import { until } from "../fixtures/wait.ts";

export class RawClient {
  readonly raw: RawSocket;

  constructor(raw: RawSocket) {
    this.raw = raw;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await RawSocket.connect(port));
  }

  send(text: string | Uint8Array): void {
    this.raw.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  }

  /** The next response, interim ones too. Rejects when the connection ends in the middle of it. */
  async next(options: ReadOptions = {}): Promise<HttpMessage> {
    const read = (): HttpMessage | undefined => {
      const { isClosed, received } = this.raw;
      const message = readResponse(received, { ...options, hasEnded: isClosed });
      if (message === undefined && isClosed) {
        throw new Error(`Closed in the middle of ${JSON.stringify(String(received))}.`);
      }
      return message;
    };
    const message = await until(read, "an HTTP response");
    this.raw.take(message.size);
    return message;
  }

  /** The next response that is not an interim one. */
  async response(options: ReadOptions = {}): Promise<HttpMessage> {
    for (;;) {
      const message = await this.next(options);
      if (message.status >= 200 || message.status === 101) return message;
    }
  }

  /** Resolves with all that came, as soon as `text` is in it. */
  async received(text: string): Promise<string> {
    const look = (): string | false => {
      const all = this.raw.received.toString("latin1");
      if (all.includes(text)) return all;
      if (this.raw.isClosed) throw new Error(`Closed without ${text}: ${all}`);
      return false;
    };
    return until(look, JSON.stringify(text));
  }

  /** Everything until the other side closes. */
  async rest(): Promise<string> {
    await this.raw.closed();
    return this.raw.received.toString("latin1");
  }

  close(): void {
    this.raw.socket.destroy();
  }
}

/** A GET with the lines given, each with its line end. */
export function get(target = "/", lines = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`;
}

export function post(body: string, lines = "", target = "/"): string {
  return `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n${lines}\r\n${body}`;
}

/** A request with one chunk that holds `body`. */
export function chunked(method: string, body: string, lines = "", trailers = ""): string {
  const head = `${method} / HTTP/1.1\r\nHost: localhost\r\n${lines}Transfer-Encoding: chunked\r\n\r\n`;
  const chunk = body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`;
  return `${head}${chunk}0\r\n${trailers}\r\n`;
}

/** An upgrade to a WebSocket, with the lines given. */
export function upgrade(lines = "", target = "/ws"): string {
  return get(
    target,
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines}`,
  );
}
