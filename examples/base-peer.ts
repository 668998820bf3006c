// A peer that knows nothing of Crosswire but three letters, written with a bare WebSocket. Any language can do this.
// Run it: npx tsx examples/base-peer.ts

import { once } from "node:events";
import { IPCClient, IPCServer } from "crosswire";
import { WebSocket } from "ws";

const greet = IPCServer.defineRequest<string, string>("greet");
const double = IPCClient.defineRequest<number, number>("double");

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  server.onFrameworkMessage(greet, (name) => `Hello, ${name}!`);
  await server.start();
  const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = server.env;

  // #region connect
  // No header `Crosswire-Protocol`, so the server says no hello and uses only `m`, `r` and `s`.
  const ws = new WebSocket(`${url.replace("http", "ws")}/__crosswire/ipc?runtimeId=by-hand`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  await once(ws, "open");
  // #endregion

  // #region ask
  const answered = once(ws, "message");
  ws.send('r:1:greet:"world"');
  console.log(String((await answered)[0])); // s:1:greet:{"success":true,"data":"Hello, world!"}
  // #endregion

  // #region answer
  ws.on("message", (frame) => {
    const [, id, path, data] = /^r:([^:]*):([^:]*):(.*)$/.exec(String(frame)) ?? [];
    if (path === "double") ws.send(`s:${id}::{"success":true,"data":${2 * Number(data)}}`);
  });
  console.log(await server.sendFrameworkMessage("by-hand", double, 21)); // 42
  // #endregion

  ws.close();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
