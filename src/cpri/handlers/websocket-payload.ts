// What a handler may send over a WebSocket, and how it is read: a Blob takes a while, and nothing may overtake it.

import type { FrameData } from "../websocket-connection.ts";

export type WebSocketData = string | ArrayBufferLike | ArrayBufferView | Blob;

/** Steps in the order in which they are given, at once where none before them has to wait. */
export class InOrder {
  #last: Promise<void> | undefined;

  run(step: () => void | Promise<void>): void {
    if (this.#last === undefined) {
      const waiting = step();
      if (waiting !== undefined) this.#wait(waiting);
    } else {
      this.#wait(this.#last.then(step));
    }
  }

  #wait(waiting: Promise<void>): void {
    const last = waiting.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
  }
}

/** Throws a TypeError for what a WebSocket cannot send. */
export function toFrameData(data: WebSocketData): FrameData | Promise<FrameData> {
  if (typeof data === "string") return data;
  // A copy: it may be changed once it is sent.
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  }
  if (isBuffer(data)) return new Uint8Array(data.slice(0));
  if (typeof (data as Partial<Blob> | null)?.arrayBuffer === "function") return bytesOf(data);
  throw new TypeError(
    `A WebSocket sends text, an ArrayBuffer, a view of one, or a Blob; not ${data === null ? "null" : typeof data}.`,
  );
}

/** As listeners get it. */
export function toMessageData(data: FrameData): string | ArrayBuffer {
  if (typeof data === "string") return data;
  const { buffer, byteOffset, byteLength } = data;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

/** Of any realm: a test runner may have its own. */
function isBuffer(data: unknown): data is ArrayBufferLike {
  return /^\[object (?:Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(data));
}

async function bytesOf(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}
