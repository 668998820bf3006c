// The process that is asked: a leader with a hundred services, and beside it a server that answers the raw request.

import { joinDiscovery } from "../../src/discovery/join-discovery.ts";
import { IPCServer } from "../../src/ipc/server.ts";
import { entryOf, rawLookup, SERVICES } from "./answer.ts";

const [port] = process.argv.slice(2).map(Number);
const leader = await joinDiscovery({ port: port ?? 0, name: "bench" });
await leader.register(Array.from({ length: SERVICES }, (_, i) => entryOf(i)));

const raw = new IPCServer(0);
const answers = new Map(Array.from({ length: SERVICES }, (_, i) => [entryOf(i).api, entryOf(i)]));
raw.onFrameworkMessage(rawLookup, (api) => {
  const { baseUrl = "" } = answers.get(api) ?? {};
  return { success: true, url: raw.getUrl(), baseUrl, epoch: 1 } as const;
});
await raw.start();

process.on("disconnect", () => process.exit());
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.({ rawPort: raw.getPort() });
