// A target's refusal of an upgrade, passed on to the client with its body; then the connection ends.

import type { Duplex } from "node:stream";
import type { UpstreamHead } from "./response-head.ts";

export class Refusal {
  #client: Duplex;
  #isChunked: boolean;

  constructor(client: Duplex, head: UpstreamHead, fields: readonly string[]) {
    this.#client = client;
    this.#isChunked = head.framing === "chunked";
    let text = `HTTP/1.1 ${head.status} ${head.statusText}\r\n`;
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    if (this.#isChunked) text += "Transfer-Encoding: chunked\r\n";
    client.write(`${text}Connection: close\r\n\r\n`, "latin1");
  }

  /** Returns whether the bytes are done with. */
  send(chunk: Buffer, onWritten: () => void): boolean {
    if (chunk.length === 0) return true;
    if (this.#isChunked) this.#client.write(`${chunk.length.toString(16)}\r\n`, "latin1");
    this.#client.write(chunk, onWritten);
    if (this.#isChunked) this.#client.write("\r\n", "latin1");
    return this.#client.writableLength === 0;
  }

  end(): void {
    this.#client.once("finish", () => this.#client.destroy());
    this.#client.end(this.#isChunked ? "0\r\n\r\n" : "", "latin1");
  }
}
