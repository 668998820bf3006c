// The body of a request as it comes on the wire: all of it up to a limit, or as a stream.

import type { IncomingMessage, ServerResponse } from "node:http";
import { CLIENT_GONE, HttpRefusal } from "./http-refusal.ts";

const NOTHING: Buffer = Buffer.alloc(0);

export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers["content-length"];
  return headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
}

/** Rejects with 413 above `maxBytes`, and with CLIENT_GONE when the body does not come to its end. */
export function readRawBody(
  incoming: IncomingMessage,
  response: ServerResponse,
  maxBytes: number,
): Buffer | Promise<Buffer> {
  if (!hasBody(incoming)) return NOTHING;
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  continueBody(incoming, response);
  return collect(incoming, maxBytes);
}

/** The body as it is asked for, at the pace of who reads it. It fails when the client goes away. */
export function streamRawBody(
  incoming: IncomingMessage,
  response: ServerResponse,
): ReadableStream<Uint8Array> {
  const chunks = incoming.iterator({ destroyOnReturn: false });
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        continueBody(incoming, response);
        const { done, value } = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => void (await chunks.return?.()),
    },
    // Nothing is read ahead of who asks: the socket is where a fast client has to wait.
    { highWaterMark: 0 },
  );
}

export function tooLarge(maxBytes: number): HttpRefusal {
  const text = `The body is larger than limits.maxBodyBytes (${maxBytes}).`;
  return new HttpRefusal(413, "XW_LIMIT", text);
}

function collect(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) return void chunks.push(chunk);
      // What was kept is let go at once; the rest is read over until the connection closes.
      chunks.length = 0;
      reject(tooLarge(maxBytes));
    });
    incoming.on("end", () => resolve(Buffer.concat(chunks)));
    const gone = (): void => reject(CLIENT_GONE);
    incoming.on("error", gone);
    incoming.on("close", gone);
  });
}

/** Who waits to be told to go on is told so when his body is wanted, and not before. */
function continueBody(
  { headers, httpVersionMinor }: IncomingMessage,
  response: ServerResponse,
): void {
  const isAsked = httpVersionMinor === 1 && headers.expect?.toLowerCase() === "100-continue";
  if (isAsked && !response.headersSent && !sentContinue.has(response)) {
    sentContinue.add(response);
    response.writeContinue();
  }
}

const sentContinue: WeakSet<ServerResponse> = new WeakSet();
