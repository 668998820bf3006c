// The correctness gate: what a peer must carry unharmed before anything about it is timed.

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { awkwardPayload, bytesPayload, smallPayload } from "./payloads.ts";
import type { PeerClient } from "./peer.ts";

const CONCURRENT_CALLS = 700;
const NOTES = 5_000;
const KB = 1024;

// The lengths around which WebSocket changes its header, then an odd megabyte.
const BLOB_SIZES = [0, 1, 125, 126, 65_535, 65_536, 1024 * KB + 3];

/** Rejects with the first thing that was lost, mixed up or changed on the way. */
export async function passGate(client: PeerClient): Promise<void> {
  await echoConcurrently(client);
  await echoAwkwardPayloads(client);
  if (client.note !== undefined) await countNotes(client);
  if (client.blob !== undefined) await sendBlobs(client);
}

async function echoConcurrently(client: PeerClient): Promise<void> {
  const payloads = Array.from({ length: CONCURRENT_CALLS }, (_, index) => ({
    ...smallPayload(index),
    text: `número ${index} `.repeat(index % 40),
  }));
  await Promise.all(payloads.map((payload) => expectEcho(client, payload)));
}

async function echoAwkwardPayloads(client: PeerClient): Promise<void> {
  for (const kilobytes of [1, 10, 60, 1024]) {
    await expectEcho(client, awkwardPayload(kilobytes * KB));
  }
}

async function expectEcho(client: PeerClient, payload: unknown): Promise<void> {
  const answer = await client.echo(payload);
  if (isDeepStrictEqual(answer, payload)) return;
  throw new Error(`An echo came back changed: ${excerpt(payload)} became ${excerpt(answer)}.`);
}

async function countNotes(client: PeerClient): Promise<void> {
  const before = await client.control({ kind: "state" });
  for (let index = 0; index < NOTES; index += 1) client.note?.(smallPayload(index));
  const after = await client.control({ kind: "state" });
  const arrived = after.notes - before.notes;
  if (arrived !== NOTES) throw new Error(`${NOTES} notes were sent, ${arrived} arrived.`);
}

async function sendBlobs(client: PeerClient): Promise<void> {
  for (const size of BLOB_SIZES) {
    const bytes = bytesPayload(size);
    const receipt = await client.blob?.(bytes);
    const { digest } = await client.control({ kind: "digest" });
    const expected = createHash("sha256").update(bytes).digest("hex");
    if (receipt?.bytes === size && digest === expected) continue;
    throw new Error(`A blob of ${size} bytes arrived changed (${receipt?.bytes} bytes).`);
  }
}

function excerpt(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 120);
}
