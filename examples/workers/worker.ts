// A worker process: connects to the port it is given, under the name it is given, and answers commands.

// #region worker
import { IPCClient } from "crosswire";
import { countWords, reportReady } from "./commands.ts";

const [port, runtimeId] = process.argv.slice(2);
const client = new IPCClient(Number(port));

client.onFrameworkRequest(countWords, (text) => text.split(/\s+/).length);

await client.connect(runtimeId);
await client.sendFrameworkRequest(reportReady, { pid: process.pid });
// #endregion
