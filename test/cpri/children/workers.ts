// An application that starts workers when told to: threads and processes, each of which sends one request at once.

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { Worker } from "node:worker_threads";

const script = new URL("once.js", import.meta.url);

console.log("started");
createInterface({ input: process.stdin }).on("line", (kind) => {
  // Both write to our own stdout.
  if (kind === "thread") return void new Worker(script);
  fork(fileURLToPath(script));
});
