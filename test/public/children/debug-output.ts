// One call that goes well and one that fails, for a look at what NODE_DEBUG=crosswire prints about them.

import { IPCClient, IPCServer } from "crosswire";

const good = IPCServer.defineRequest<string, string>("child/good");
const bad = IPCServer.defineRequest<void, void>("child/bad");

await using server = new IPCServer(0);
await server.start();
server.onFrameworkMessage(good, () => "secret answer");
server.onFrameworkMessage(bad, () => {
  throw new Error("on purpose");
});
await using client = new IPCClient(server.getPort());
await client.connect("debugged");
await client.sendFrameworkRequest(good, "secret payload");
await client.sendFrameworkRequest(bad).catch(() => {});
