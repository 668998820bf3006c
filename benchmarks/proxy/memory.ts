// How much a proxy grows while 1 GiB passes through it to a reader that is slower than its source.

import { once } from "node:events";
import { type IncomingMessage, request as send, type RequestOptions } from "node:http";
import type { RunningPeer } from "./running-peer.ts";
import { GB, MB, type MemoryRow } from "./rows.ts";
import { readSlowly } from "./slow-reading.ts";

const TIMEOUT_MS = 60_000;

const PIECE = Buffer.alloc(MB, "x");

/** Kilobytes between before and the peak; undefined where the system does not tell. */
export async function measureGrowth(
  peer: RunningPeer,
  { direction }: MemoryRow,
): Promise<number | undefined> {
  const pass = direction === "down" ? download : upload;
  await pass(peer.port, MB);
  const before = peer.memory();
  if (before === undefined) return undefined;
  await pass(peer.port, GB);
  return (peer.memory()?.peakKilobytes ?? Number.NaN) - before.kilobytes;
}

async function download(port: number, size: number): Promise<void> {
  const request = send({ ...clientOf(port), path: `/bytes/${size}` }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const bytes = await readSlowly(response);
  if (bytes !== size) throw new Error(`Of ${size} bytes, ${bytes} came down.`);
}

async function upload(port: number, size: number): Promise<void> {
  const headers = { "Content-Type": "application/octet-stream", "Content-Length": size };
  const request = send({ ...clientOf(port), path: "/slow", method: "POST", headers });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < size; sent += PIECE.length) {
    if (!request.write(PIECE)) await Promise.race([once(request, "drain"), answered]);
  }
  request.end();
  const [response] = await answered;
  let text = "";
  for await (const chunk of response) text += String(chunk);
  if (text !== JSON.stringify({ bytes: size })) {
    throw new Error(`The upload was answered with ${text.slice(0, 200)}.`);
  }
}

function clientOf(port: number): RequestOptions {
  return { host: "127.0.0.1", port, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
}
