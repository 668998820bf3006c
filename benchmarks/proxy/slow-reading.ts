// The slow reader of the memory rows: fast enough for a benchmark, but far slower than a producer.

import { setTimeout as delay } from "node:timers/promises";
import { MB } from "./rows.ts";

const PAUSE_EVERY_BYTES = 32 * MB;
const PAUSE_MS = 40;

/** The number of bytes that came. */
export async function readSlowly(stream: AsyncIterable<unknown>): Promise<number> {
  let bytes = 0;
  let nextPause = PAUSE_EVERY_BYTES;
  for await (const chunk of stream) {
    bytes += (chunk as Buffer).length;
    if (bytes < nextPause) continue;
    nextPause += PAUSE_EVERY_BYTES;
    await delay(PAUSE_MS);
  }
  return bytes;
}
