// The request body on its way to the target: read no faster than the target takes it, and framed anew.

import type { Socket } from "node:net";
import type { ClientSide } from "./client-side.ts";
import { safeTrailers } from "./fields.ts";
import type { RequestHead } from "./request-head.ts";

export interface UploadEvents {
  /** Something moved. */
  onProgress(): void;
  onTooLarge(): void;
}

export class Upload {
  bytes = 0;
  isDone = false;
  isStarted = false;
  #client: ClientSide;
  #isChunked: boolean;
  #maxBytes: number;
  #events: UploadEvents;
  #socket: Socket | undefined;

  constructor(client: ClientSide, head: RequestHead, maxBytes: number, events: UploadEvents) {
    this.#client = client;
    this.#isChunked = head.framing === "chunked";
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Takes the body from the client; from now on it cannot be sent a second time. */
  start(socket: Socket): void {
    this.#socket = socket;
    this.isStarted = true;
    const { body } = this.#client;
    body.on("data", (chunk: Buffer) => this.#send(chunk));
    body.on("end", () => this.#finish());
  }

  /** The target takes more. */
  drain(): void {
    if (this.#socket === undefined) return;
    this.#events.onProgress();
    this.#client.body.resume();
  }

  /** Nothing more is sent. What the client still sends is read and forgotten, up to its end or that of the connection. */
  stop(): void {
    this.#socket = undefined;
    if (this.isStarted) this.#client.body.resume();
  }

  #send(chunk: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) return this.#events.onTooLarge();
    this.#events.onProgress();
    const isTaken = this.#isChunked ? writeChunk(socket, chunk) : socket.write(chunk);
    if (!isTaken) this.#client.body.pause();
  }

  #finish(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#client.isBodyComplete) return;
    this.isDone = true;
    this.#events.onProgress();
    if (!this.#isChunked) return;
    const trailers = safeTrailers(this.#client.trailers);
    let lines = "";
    for (let i = 0; i < trailers.length; i += 2) lines += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
    socket.write(`0\r\n${lines}\r\n`, "latin1");
  }
}

function writeChunk(socket: Socket, chunk: Buffer): boolean {
  socket.cork();
  socket.write(`${chunk.length.toString(16)}\r\n`, "latin1");
  socket.write(chunk);
  const isTaken = socket.write("\r\n", "latin1");
  socket.uncork();
  return isTaken;
}
