// A shop whose work is done by threads: two that are there from the beginning, or a new one for a single request.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { serve } from "./serve.ts";

const THREAD = new URL("thread.js", import.meta.url);
const pool = [new Worker(THREAD), new Worker(THREAD)];

await serve(async ([number, id]) => {
  const thread = pool[Number(number)] ?? new Worker(THREAD);
  thread.postMessage(id);
  const [answer] = (await once(thread, "message")) as [unknown];
  if (!pool.includes(thread)) await thread.terminate();
  return JSON.stringify(answer);
});
