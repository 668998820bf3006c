// What stands behind every proxy: a node:http server with a WebSocket echo, in a process of its own.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { WebSocketServer } from "ws";
import { patternBytes } from "./pattern.ts";
import { portOf } from "./peer.ts";
import { GB, MB, SMALL_BYTES } from "./rows.ts";
import { readSlowly } from "./slow-reading.ts";

const PIECE_BYTES = 64 * 1024;

// Longer than a run: a target that closes idle connections is another benchmark.
const KEEP_ALIVE_MS = 3_600_000;

const small = Buffer.from(JSON.stringify({ text: "x".repeat(SMALL_BYTES - 11) }));
const megabyte = patternBytes(MB);

process.on("disconnect", () => process.exit());

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  const [path = "", query] = (request.url ?? "").split("?");
  const [, name = "", size] = path.split("/");
  // The row of routes asks for it below another path.
  if (path.endsWith("/small")) return void response.writeHead(200, jsonOf(small)).end(small);
  if (name === "chunked") return answerChunked(response);
  if (name === "bytes") return answerBytes(response, Number(size), query === "chunked");
  if (name === "count") return countBody(request, response);
  if (name === "digest") return void digestBody(request, response);
  if (name === "slow") return void answerSlowly(request, response);
  answerJson(response, { url: request.url });
});
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
process.send?.({ port: await portOf(server) });

function answerChunked(response: ServerResponse): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.write(small);
  response.end();
}

function answerBytes(response: ServerResponse, size: number, isChunked: boolean): void {
  const framing = isChunked ? {} : { "Content-Length": size };
  response.writeHead(200, { "Content-Type": "application/octet-stream", ...framing });
  if (size === MB && !isChunked) response.end(megabyte);
  else Readable.from(pieces(size), { objectMode: false }).pipe(response);
}

function* pieces(size: number): Generator<Uint8Array> {
  const source = size > MB + 3 ? repeated(size) : patternBytes(size);
  if (!(source instanceof Uint8Array)) return yield* source;
  for (let i = 0; i < source.length; i += PIECE_BYTES) yield source.subarray(i, i + PIECE_BYTES);
}

/** For the long bodies, of which only the size is checked. */
function* repeated(size: number): Generator<Uint8Array> {
  const piece = megabyte.subarray(0, PIECE_BYTES);
  for (let left = Math.min(size, GB); left > 0; left -= PIECE_BYTES) yield piece.subarray(0, left);
}

function countBody(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => answerJson(response, { bytes }));
}

async function digestBody(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of request) hash.update(chunk as Buffer);
  answerJson(response, { digest: hash.digest("hex") });
}

async function answerSlowly(request: IncomingMessage, response: ServerResponse): Promise<void> {
  answerJson(response, { bytes: await readSlowly(request) });
}

function answerJson(response: ServerResponse, content: unknown): void {
  const body = Buffer.from(JSON.stringify(content));
  response.writeHead(200, jsonOf(body)).end(body);
}

function jsonOf(body: Buffer): Record<string, string | number> {
  return { "Content-Type": "application/json", "Content-Length": body.length };
}
