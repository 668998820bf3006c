// Watching what happens, without touching the code that does it. Run it: npx tsx examples/diagnostics.ts

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { IPCClient, IPCServer, type Trace, type TraceEvents } from "crosswire";

const add = IPCServer.defineRequest<[number, number], number>("math/add");

export async function main(): Promise<void> {
  // #region trace
  const counts = new Map<string, number>();
  const trace: Trace = ({ event }) => counts.set(event, (counts.get(event) ?? 0) + 1);
  const server = new IPCServer(0, { trace });
  // #endregion
  server.onFrameworkMessage(add, ([a, b]) => a + b);
  await server.start();

  // #region channel
  // Every server and client of the process publishes here, also those inside libraries.
  const onEnd = (message: unknown): void => {
    const { side, path, error } = message as TraceEvents["request:end"];
    console.log(`${side}: ${path} ${error === undefined ? "went well" : "failed"}`);
  };
  subscribe("crosswire:request:end", onEnd);
  // #endregion

  const client = new IPCClient(server.getPort());
  await client.connect("calculator");
  await client.sendFrameworkRequest(add, [1, 2]);

  // #region clients
  for (const { runtimeId, pid, connectedAt } of server.clients()) {
    console.log(
      `${runtimeId} is process ${pid}, here since ${new Date(connectedAt).toISOString()}`,
    );
  }
  // #endregion

  await client.disconnect();
  await server.close();
  unsubscribe("crosswire:request:end", onEnd);
  console.log(counts);
}

if (process.argv[1] === import.meta.filename) await main();
