// One Node proxy as a process of its own: says where it listens, and how much CPU it used so far.

import { findPeer } from "./peer-list.ts";

export type Announcement = { port: number } | { error: string };

process.on("disconnect", () => process.exit());
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.(await start());

async function start(): Promise<Announcement> {
  const [name, origin = ""] = process.argv.slice(2);
  const entry = findPeer(name);
  try {
    if (!("load" in entry)) throw new Error("this is not a Node proxy");
    const peer = await entry.load();
    return { port: await peer.start(origin) };
  } catch (error) {
    return { error: String(error) };
  }
}
