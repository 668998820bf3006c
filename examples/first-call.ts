// The smallest conversation: one server, one client, one request. Run it: npx tsx examples/first-call.ts

// #region first-call
import { IPCClient, IPCServer } from "crosswire";

// Both sides share this line: it says who answers (the server), the path, and the types.
const greet = IPCServer.defineRequest<string, string>("greet");

// #endregion
export async function main(): Promise<void> {
  // #region first-call
  const server = new IPCServer(0); // 0: any free port
  server.onFrameworkMessage(greet, (name) => `Hello, ${name}!`);
  await server.start();

  const client = new IPCClient(server.getPort()); // usually in another process
  await client.connect();
  console.log(await client.sendFrameworkRequest(greet, "world")); // Hello, world!

  await client.disconnect();
  await server.close();
  // #endregion
}

if (process.argv[1] === import.meta.filename) await main();
