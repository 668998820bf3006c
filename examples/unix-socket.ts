// The same over a Unix socket (on Windows: a named pipe): no port to choose, and faster than TCP.
// Run it: npx tsx examples/unix-socket.ts

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IPCClient, IPCServer } from "crosswire";

const greet = IPCServer.defineRequest<string, string>("greet");

export async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "crosswire-"));
  const socketPath =
    process.platform === "win32"
      ? `\\\\.\\pipe\\crosswire-${process.pid}`
      : `${directory}/app.sock`;

  // #region unix-socket
  const server = new IPCServer(0, { socketPath });
  server.onFrameworkMessage(greet, (name) => `Hello, ${name}!`);
  await server.start(); // false when another process listens there; a dead one's file is replaced

  const client = new IPCClient(`ws+unix:${socketPath}`); // the same as server.getUrl()
  await client.connect();
  console.log(await client.sendFrameworkRequest(greet, "socket"));
  // #endregion

  await client.disconnect();
  await server.close();
  await rm(directory, { recursive: true });
}

if (process.argv[1] === import.meta.filename) await main();
