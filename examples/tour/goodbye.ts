// The last steps: the server leaves without cutting anybody off, and then nothing is left.

import { once, EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { IPCServer } from "crosswire";
import { askForAdvice, giveAdvice } from "./commands.ts";
import type { CrewMember } from "./crew.ts";
import { say } from "./narrator.ts";

export async function closeGently(server: IPCServer, asker: CrewMember): Promise<void> {
  const events = new EventEmitter();
  server.onFrameworkMessage(giveAdvice, async () => {
    events.emit("asked");
    await sleep(200);
    return "leave when everybody has been answered";
  });
  const asked = once(events, "asked");
  server.sendMessage(asker.name, askForAdvice);
  await asked;
  say(`${asker.name} has asked something that takes 200 ms. Now comes server.close().`);
  await server.close();
  say("close() has resolved.");
  await asker.ended;
  for (const line of asker.lines) say(`${asker.name} tells: ${line}`);
}

export async function everythingEnds(workers: readonly CrewMember[]): Promise<void> {
  for (const { name, ended } of workers) say(`${name}: ${await ended}`);
  const open = process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name));
  say(`Open sockets and timers in this process: ${open.length === 0 ? "none" : open.join()}.`);
  say("So it exits as well. Nobody has called process.exit().");
}
