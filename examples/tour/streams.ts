// Steps with streams: the reader sets the pace, and bytes go both ways in one call.

import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import type { IPCServer } from "crosswire";
import { compress, countProduced, produce, stopped } from "./commands.ts";
import { nextMessage } from "./messages.ts";
import { say } from "./narrator.ts";

const ITEM_BYTES = 16 * 1024;

export async function readSlowly(server: IPCServer): Promise<void> {
  say("worker-2 would produce 16 KiB items for ever. The server reads one every 50 ms.");
  const told = nextMessage(server, stopped, "worker-2");
  let read = 0;
  for await (const item of server.openStream("worker-2", produce, { itemBytes: ITEM_BYTES })) {
    read += item.byteLength / ITEM_BYTES;
    await sleep(50);
    if (read === 5) break;
    if (read < 4) continue;
    const produced = await server.sendFrameworkMessage("worker-2", countProduced);
    say(`${read} are read, ${produced} produced: the worker waits, and nothing piles up.`);
  }
  const { why } = await told;
  say(`After 5 the server does "break". The generator is stopped: ${why}`);
}

export async function sendAndReceive(server: IPCServer): Promise<void> {
  const text = Buffer.from("All work and no play makes Jack a dull boy.\n".repeat(200_000));
  const megabytes = (text.byteLength / 1e6).toFixed(1);
  say(`${megabytes} MB of text go up to worker-1, which compresses them while they come.`);
  const packed = await buffer(
    server.openStream("worker-1", compress, undefined, { upload: [text] }),
  );
  const isSame = gunzipSync(packed).equals(text);
  const kilobytes = (packed.byteLength / 1e3).toFixed(1);
  say(`${kilobytes} kB came down. Unpacked it is ${isSame ? "the same text" : "OTHER TEXT"}.`);
}
