// Calls between threads, over a MessageChannel instead of a network. Run it: npx tsx examples/worker-threads/index.ts

// #region main-thread
import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { createPortTransport, IPCSocket } from "crosswire";
import { sum } from "./sum.ts";

const THREAD = new URL("thread.mjs", import.meta.url);

// #endregion
export async function main(): Promise<void> {
  // #region main-thread
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(THREAD, { workerData: { port: port2 }, transferList: [port2] });

  const socket = new IPCSocket(createPortTransport(port1), {
    expectsHello: true,
    peer: "the sum thread",
  });
  await socket.ready();
  console.log(await socket.request(sum, new Float64Array([0.5, 1.5, 40]))); // 42

  const ended = once(worker, "exit");
  await socket.close(); // the thread has nothing left to do, and ends by itself
  await ended;
  // #endregion
}

if (process.argv[1] === import.meta.filename) await main();
