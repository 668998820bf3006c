// The worker thread: a client whose connection is the port that came with the thread.

// #region thread
import { workerData } from "node:worker_threads";
import { createPortTransport, IPCClient, type PortLike } from "crosswire";
import { sum } from "./sum.ts";

const { port } = workerData as { port: PortLike };
const client = new IPCClient(() => createPortTransport(port));
client.onFrameworkRequest(sum, (numbers) => numbers.reduce((total, n) => total + n, 0));
await client.connect();
// #endregion
