// Sends a web Response as it is: status, headers and the stream of its body, at the pace of the client.

import type { ServerResponse } from "node:http";
import { isDecodedByFetch, responseFields } from "./header-fields.ts";

type Reader = ReadableStreamDefaultReader<unknown>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

// Captured, so that fake timers of a test do not hold back what the server says.
const { setImmediate, clearImmediate } = globalThis;

const ZSTD_MAGIC = 0xfd2fb528;

/** Ours, or that of another realm or package. */
export function isResponse(value: unknown): value is Response {
  if (value instanceof Response) return true;
  if (typeof value !== "object" || value === null) return false;
  const { status, headers } = value as Partial<Response>;
  const tag = (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === "Response" && typeof status === "number" && typeof headers?.get === "function";
}

/**
 * Rejects only before anything was sent. A body that fails later cuts the connection, so that the client sees
 * an error and not a short body.
 */
export async function sendResponse(response: ServerResponse, result: Response): Promise<void> {
  if (result.type === "error") return cutOff(response);
  assertUnread(result);
  const hasBody = mayHaveBody(response, result.status);
  const reader = hasBody ? (result.body?.getReader() as Reader | undefined) : undefined;
  const first = reader?.read();
  try {
    // Unhandled until the body is sent; what went wrong is told there.
    first?.catch(() => {});
    const isDecoded = await isBodyDecoded(result, first);
    writeHead(response, result, isDecoded);
  } catch (error) {
    void cancel(reader ?? result.body);
    throw error;
  }
  if (reader !== undefined && first !== undefined) return sendBody(response, reader, first);
  void cancel(result.body);
  response.end();
}

/** Lets go of a Response that nobody is left to read. */
export function discard(result: unknown): void {
  if (isResponse(result) && !result.bodyUsed && result.body?.locked !== true) {
    void cancel(result.body);
  }
}

function assertUnread(result: Response): void {
  if (!result.bodyUsed && result.body?.locked !== true) return;
  throw new TypeError(
    "The body of the Response that the handler returned has been read already; read response.clone(), and return the response.",
  );
}

function writeHead(response: ServerResponse, result: Response, isDecoded: boolean): void {
  const { status, statusText } = result;
  const fields = responseFields(result.headers, isDecoded);
  const framed = status === 204 || status === 205 ? withoutLength(fields, status) : fields;
  // SECURITY: bytes beyond the announced length would be read as the next answer on this connection.
  response.strictContentLength = mayHaveBody(response, status);
  if (statusText === "") response.writeHead(status, framed);
  else response.writeHead(status, statusText, framed);
}

function mayHaveBody({ req }: ServerResponse, status: number): boolean {
  return req.method !== "HEAD" && status !== 204 && status !== 205 && status !== 304;
}

function withoutLength(fields: readonly string[], status: number): string[] {
  const kept = fields.filter((_, i) => fields[i - (i % 2)] !== "content-length");
  return status === 205 ? [...kept, "content-length", "0"] : kept;
}

/**
 * A Response that came from fetch has a URL, and its body is decompressed while its headers are still those of the
 * wire. Without a body nothing was decompressed. Of zstd not every Node knows, so there the bytes are asked.
 */
async function isBodyDecoded(
  result: Response,
  first: Promise<Chunk> | undefined,
): Promise<boolean> {
  const coding = result.headers.get("content-encoding");
  if (coding === null || result.url === "" || result.body === null) return false;
  if (!isDecodedByFetch(coding)) return false;
  if (!/zstd/i.test(coding) || first === undefined) return true;
  const { value } = await first;
  if (!(value instanceof Uint8Array) || value.length < 4) return true;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true) !== ZSTD_MAGIC;
}

async function sendBody(
  response: ServerResponse,
  reader: Reader,
  first: Promise<Chunk>,
): Promise<void> {
  const onClose = (): void => void cancel(reader);
  response.once("close", onClose);
  // The head leaves with the first piece if that is there at once; an event stream may be silent for long.
  const flush = setImmediate(() => response.flushHeaders());
  try {
    for (let next = first; ; next = reader.read()) {
      const { done, value } = await next;
      clearImmediate(flush);
      if (response.destroyed) return;
      if (done) break;
      if (!response.write(bytesOf(value))) await drained(response);
    }
    response.end();
  } catch {
    void cancel(reader);
    // Node holds small writes back for a turn; what came before the failure is to be seen.
    await new Promise((resolve) => setImmediate(resolve));
    cutOff(response);
  } finally {
    clearImmediate(flush);
    response.off("close", onClose);
  }
}

function bytesOf(chunk: unknown): Uint8Array | string {
  if (chunk instanceof Uint8Array || typeof chunk === "string") return chunk;
  throw new TypeError("The body of a Response consists of bytes.");
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off("drain", go).off("close", go);
      resolve();
    };
    response.on("drain", go).on("close", go);
  });
}

/** What was sent already still arrives, if it is possible to see that it is not all. */
export function cutOff(response: ServerResponse): void {
  const { socket, headersSent, req } = response;
  // To a client of HTTP/1.0 a mere close would be the proper end of the body.
  const isReset = !headersSent || req.httpVersionMinor === 0;
  if (isReset && socket !== null) socket.resetAndDestroy();
  else response.destroy();
}

async function cancel(body: Pick<Reader, "cancel"> | null): Promise<void> {
  try {
    await body?.cancel();
  } catch {
    // It failed already, or does not want to be cancelled: there is nobody to tell.
  }
}
