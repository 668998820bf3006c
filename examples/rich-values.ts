// Values that JSON cannot carry: bytes by themselves, and everything else with the rich codec.
// Run it: npx tsx examples/rich-values.ts

import { createHash } from "node:crypto";
import { IPCClient, IPCServer } from "crosswire";

// #region define
/** A payload or answer that is bytes needs nothing: it travels as a binary frame, never as base64. */
const sha256 = IPCServer.defineRequest<Uint8Array, Uint8Array>("bytes/sha256");

interface Snapshot {
  readonly takenAt: Date;
  readonly counts: Map<string, bigint>;
  readonly tags: Set<string>;
  readonly source: URL;
  readonly samples: Float64Array;
  readonly note: string | undefined;
}

/** With the rich codec all of these arrive as what they are. */
const store = IPCServer.defineRequest<Snapshot, Snapshot>("snapshot/store", { codec: "rich" });
// #endregion

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  server.onFrameworkMessage(sha256, (bytes) => createHash("sha256").update(bytes).digest());
  server.onFrameworkMessage(store, (snapshot) => snapshot);
  await server.start();
  const client = new IPCClient(server.getPort());
  await client.connect();

  // #region bytes
  const digest = await client.sendFrameworkRequest(sha256, Buffer.from("hello"));
  console.log(Buffer.from(digest).toString("hex").slice(0, 16));
  // #endregion

  // #region rich
  const returned = await client.sendFrameworkRequest(store, {
    takenAt: new Date(0),
    counts: new Map([["requests", 2n ** 64n]]),
    tags: new Set(["nightly"]),
    source: new URL("https://example.com/"),
    samples: new Float64Array([0.5, Number.NaN]),
    note: undefined,
  });
  console.log(returned.takenAt.toISOString(), returned.counts, returned.tags, returned.samples);
  // #endregion

  await client.disconnect();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
