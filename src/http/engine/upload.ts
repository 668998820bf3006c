// The request body on its way to the target: read no faster than the target takes it, and framed anew.

import type { Socket } from "node:net";
import { nextTick } from "node:process";
import type { ClientSide } from "./client-side.ts";
import { safeTrailers } from "./fields.ts";
import type { RequestHead } from "./request-head.ts";

const JOINED_BYTES = 16_384;

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
  /** Until it is sent. */
  #head: string;
  #isChunked: boolean;
  #maxBytes: number;
  #events: UploadEvents;
  #socket: Socket | undefined;

  constructor(client: ClientSide, head: RequestHead, maxBytes: number, events: UploadEvents) {
    this.#client = client;
    this.#head = head.text;
    this.#isChunked = head.framing === "chunked";
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Sends the head, and takes the body from the client: from now on it cannot be sent a second time. */
  start(socket: Socket): void {
    this.#socket = socket;
    this.isStarted = true;
    const { body } = this.#client;
    body.on("data", (chunk: Buffer) => this.#send(chunk));
    body.on("end", () => this.#finish());
    // Behind the tick in which the body begins to flow, if any of it is there.
    nextTick(() => this.#takeHead(socket));
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

  #takeHead(socket: Socket): void {
    if (this.#head === "" || this.#socket === undefined) return;
    socket.write(this.#head, "latin1");
    this.#head = "";
  }

  #send(chunk: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) return this.#events.onTooLarge();
    this.#events.onProgress();
    if (!this.#write(socket, chunk)) this.#client.body.pause();
  }

  /** HOT: a head and a small body are one text and one write, benchmarks/proxy. */
  #write(socket: Socket, chunk: Buffer): boolean {
    const head = this.#head;
    if (head !== "" && chunk.length <= JOINED_BYTES) {
      this.#head = "";
      const text = chunk.toString("latin1");
      const framed = this.#isChunked ? `${chunk.length.toString(16)}\r\n${text}\r\n` : text;
      return socket.write(head + framed, "latin1");
    }
    this.#takeHead(socket);
    return this.#isChunked ? writeChunk(socket, chunk) : socket.write(chunk);
  }

  #finish(): void {
    const socket = this.#socket;
    if (socket === undefined || !this.#client.isBodyComplete) return;
    this.#takeHead(socket);
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
