// The correctness gate: what a proxy must pass on unharmed before a row of it is timed.

import { once } from "node:events";
import { Agent, type IncomingMessage, request as send, type RequestOptions } from "node:http";
import { WebSocket } from "ws";
import { digestOf, patternBytes } from "./pattern.ts";
import { MB, type Row } from "./rows.ts";

const TIMEOUT_MS = 20_000;
const CONCURRENT_REQUESTS = 256;

const BODY_SIZES = [0, 1, 100, 65_535, 65_536, MB, MB + 3];

// The lengths around which WebSocket changes its header, then an odd megabyte.
const MESSAGE_SIZES = [0, 1, 125, 126, 65_535, 65_536, MB + 3];
const MESSAGES_IN_A_ROW = 200;

export type Check = "down" | "up" | "socket";

/** What a row stands on. */
export function checkOf(row: Row): Check {
  if (row.kind === "socket") return "socket";
  if (row.kind === "memory") return row.direction;
  return row.kind === "http" && row.bodyBytes !== undefined ? "up" : "down";
}

/** Rejects with the first thing that was lost, mixed up or changed on the way. */
export async function passGate(check: Check, port: number): Promise<void> {
  if (check === "socket") return checkSocket(port);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const client: RequestOptions = { host: "127.0.0.1", port, agent, timeout: TIMEOUT_MS };
  try {
    await checkConcurrent(client);
    await (check === "down" ? checkDown(client) : checkUp(client));
  } finally {
    agent.destroy();
  }
}

async function checkConcurrent(client: RequestOptions): Promise<void> {
  const paths = Array.from({ length: CONCURRENT_REQUESTS }, (_, index) => `/url?number=${index}`);
  await Promise.all(
    paths.map(async (path) => {
      const { url } = JSON.parse(String(await exchange({ ...client, path }))) as { url: string };
      if (url !== path) throw new Error(`The request for ${path} was answered for ${url}.`);
    }),
  );
}

async function checkDown(client: RequestOptions): Promise<void> {
  for (const size of BODY_SIZES) {
    for (const query of ["", "?chunked"]) {
      const path = `/bytes/${size}${query}`;
      const body = await exchange({ ...client, path });
      if (digestOf(body) === digestOf(patternBytes(size))) continue;
      throw new Error(`GET ${path} arrived changed (${body.length} bytes).`);
    }
  }
}

async function checkUp(client: RequestOptions): Promise<void> {
  for (const size of BODY_SIZES) {
    const bytes = patternBytes(size);
    for (const framing of ["Content-Length", "Transfer-Encoding"]) {
      const value = framing === "Content-Length" ? size : "chunked";
      const headers = { "Content-Type": "application/octet-stream", [framing]: value };
      const answer = await exchange({ ...client, method: "POST", path: "/digest", headers }, bytes);
      const { digest } = JSON.parse(String(answer)) as { digest: string };
      if (digest === digestOf(bytes)) continue;
      throw new Error(`POST of ${size} bytes with ${framing} arrived changed.`);
    }
  }
}

async function exchange(options: RequestOptions, body?: Uint8Array): Promise<Buffer> {
  const request = send(options);
  request.on("timeout", () => request.destroy(new Error(`${options.path} got no answer.`)));
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  if (response.statusCode === 200) return Buffer.concat(chunks);
  throw new Error(`${options.path} was answered with status ${response.statusCode}.`);
}

async function checkSocket(port: number): Promise<void> {
  const options = { perMessageDeflate: false, handshakeTimeout: TIMEOUT_MS };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`, options);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    await once(socket, "open", { signal });
    for (const size of MESSAGE_SIZES) await checkEcho(socket, patternBytes(size), signal);
    await checkOrder(socket, signal);
  } finally {
    socket.on("error", () => {});
    socket.terminate();
  }
}

async function checkEcho(socket: WebSocket, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  const answer = once(socket, "message", { signal });
  socket.send(bytes);
  const [data, isBinary] = (await answer) as [Buffer, boolean];
  if (isBinary && digestOf(data) === digestOf(bytes)) return;
  throw new Error(`A WebSocket message of ${bytes.length} bytes came back changed.`);
}

async function checkOrder(socket: WebSocket, signal: AbortSignal): Promise<void> {
  const texts: string[] = [];
  const done = new Promise<void>((resolve, reject) => {
    socket.on("message", (data) => {
      if (texts.push(String(data)) === MESSAGES_IN_A_ROW) resolve();
    });
    signal.addEventListener("abort", () => reject(new Error("WebSocket messages were lost.")));
  });
  const expected = Array.from({ length: MESSAGES_IN_A_ROW }, (_, index) => `message ${index}`);
  for (const text of expected) socket.send(text);
  await done;
  if (texts.join() !== expected.join()) throw new Error("WebSocket messages changed their order.");
}
