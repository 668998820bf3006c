// WebSocket load as a process of its own: raw ws clients that send the next message when one came back.

import { once } from "node:events";
import { WebSocket } from "ws";
import type { LoadResult } from "./http-load.ts";
import { SMALL_BYTES, SOCKETS } from "./rows.ts";

export type SocketOrder =
  | { kind: "open"; port: number }
  | { kind: "converse"; inFlight: number; seconds: number }
  | { kind: "close" };

/** Empty where there is nothing to report. */
export type SocketReply = LoadResult | { error: string } | Record<string, never>;

const MESSAGE = "x".repeat(SMALL_BYTES);

let sockets: WebSocket[] = [];

process.on("disconnect", () => process.exit());
process.on("message", (order: SocketOrder) => {
  obey(order).then(reply, (error: unknown) => reply({ error: String(error) }));
});

async function obey(order: SocketOrder): Promise<SocketReply> {
  if (order.kind === "converse") return converse(order.inFlight, order.seconds);
  await Promise.all(sockets.map(close));
  sockets = order.kind === "open" ? await connectAll(order.port) : [];
  return {};
}

async function connectAll(port: number): Promise<WebSocket[]> {
  const url = `ws://127.0.0.1:${port}/echo`;
  const connect = async (): Promise<WebSocket> => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    return socket;
  };
  return Promise.all(Array.from({ length: SOCKETS }, connect));
}

async function converse(inFlight: number, seconds: number): Promise<LoadResult> {
  const micros: number[] = [];
  const start = performance.now();
  const end = start + seconds * 1000;
  await Promise.all(sockets.map(async (socket) => echoUntil(end, socket, inFlight, micros)));
  const elapsed = (performance.now() - start) / 1000;
  micros.sort((a, b) => a - b);
  return {
    operations: micros.length,
    seconds: elapsed,
    p50Micros: micros[Math.floor(micros.length * 0.5)] ?? Number.NaN,
    p99Micros: micros[Math.floor(micros.length * 0.99)] ?? Number.NaN,
  };
}

/** Resolves when the last message is back; rejects when the connection ends before. */
async function echoUntil(
  end: number,
  socket: WebSocket,
  inFlight: number,
  micros: number[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent: number[] = []; // Echoes come in order.
    const send = (now: number): void => {
      sent.push(now);
      socket.send(MESSAGE);
    };
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("A WebSocket was closed under load.")));
    socket.on("message", (data: Buffer) => {
      const now = performance.now();
      micros.push((now - (sent.shift() ?? Number.NaN)) * 1000);
      if (data.length !== SMALL_BYTES) reject(new Error("An echo came back with another size."));
      if (now < end) send(now);
      else if (sent.length === 0) resolve();
    });
    for (let i = 0; i < inFlight; i += 1) send(performance.now());
  });
}

async function close(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return;
  const closed = once(socket, "close");
  socket.terminate();
  await closed;
}

function reply(message: SocketReply): void {
  process.send?.(message);
}
