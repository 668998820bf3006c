// Writes an answer to a virtual connection: as fast as the client reads, and no longer than it listens.

import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Answer } from "../exchange/outcome.ts";
import { internal } from "./context.ts";
import type { PairSocket } from "./pair.ts";

/** A checked answer. Resolves when all of it was written, or the client is gone. */
export async function sendAnswer(response: ServerResponse, answer: Answer): Promise<void> {
  const { status, statusText = STATUS_CODES[status] ?? "", headers, body } = answer;
  response.sendDate = false;
  // It is about a connection that nobody else will use.
  response.removeHeader("connection");
  response.strictContentLength = true;
  response.writeHead(status, statusText, headers.flat());
  if (body === undefined || body instanceof Uint8Array) {
    response.addTrailers(trailersOf(answer));
    return void response.end(body);
  }
  // Whoever reads events wants to know at once that there will be some.
  response.flushHeaders();
  try {
    await sendBody(response, body);
    response.addTrailers(trailersOf(answer));
    response.end();
  } catch {
    // The client must not take what it has for all there is.
    (response.socket as PairSocket | null)?.resetAndDestroy();
  }
}

async function sendBody(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = internal(() => body[Symbol.asyncIterator]());
  // The producer may be waiting for something that never comes, so it is told at once.
  const stop = (): void => void internal(() => iterator.return?.().catch(() => {}));
  response.once("close", stop);
  try {
    for (;;) {
      const next = await internal(() => iterator.next());
      if (next.done === true) return;
      // It may have been closed before anybody listened.
      if (response.destroyed) return stop();
      if (!response.write(next.value)) await drained(response);
    }
  } finally {
    response.off("close", stop);
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

/** Pairs: Node takes them as they are, duplicates included. */
function trailersOf({ trailers = [] }: Answer): [string, string][] {
  const fields = typeof trailers === "function" ? trailers() : trailers;
  return fields.map(([name, value]) => [name, value]);
}
