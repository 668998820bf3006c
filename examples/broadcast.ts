// One message to many clients, or to those that match. Run it: npx tsx examples/broadcast.ts

import { once, EventEmitter } from "node:events";
import { IPCClient, IPCServer } from "crosswire";

// #region define
/** A message has no answer. Defined on IPCClient, because clients receive it. */
const configChanged = IPCClient.defineMessage<{ key: string }>("config/changed");
// #endregion

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  await server.start();
  const heard = new EventEmitter();

  // #region listen
  const clients = ["web-1", "web-2", "jobs-1"].map(async (name) => {
    const client = new IPCClient(server.getPort());
    client.onMessage(configChanged, ({ key }) => void heard.emit(name, key));
    await client.connect(name);
    return client;
  });
  // #endregion
  const connected = await Promise.all(clients);

  // #region broadcast
  const all = Promise.all(["web-1", "web-2", "jobs-1"].map((name) => once(heard, name)));
  console.log("sent to", server.broadcast(configChanged, { key: "colour" }));
  console.log("heard", await all);

  const isWeb = ({ runtimeId = "" }): boolean => runtimeId.startsWith("web-");
  console.log("sent to", server.broadcast(configChanged, { key: "size" }, isWeb));

  server.sendMessage("jobs-1", configChanged, { key: "only for one" });
  // #endregion

  await once(heard, "jobs-1");
  await Promise.all(connected.map((client) => client.disconnect()));
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
