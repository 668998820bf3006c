// Processes that find each other, and go on when the one that leads is killed. Run it: npx tsx examples/discovery/index.ts

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { joinDiscovery, type Member } from "crosswire/discovery";
import { byHand } from "./by-hand.ts";

const SERVICE = fileURLToPath(new URL("service.ts", import.meta.url));
/** Of this run alone: two runs are not to meet. In your program it is the workspace, without a word. */
const NAME = `shop-${process.pid}`;

export async function main(): Promise<void> {
  const leader = await startService(); // the first to join leads
  const member = await joinDiscovery({ name: NAME });

  // #region watch
  const stopWatching = member.watch(({ added, removed, services }) => {
    for (const { api, pid } of added) console.log(`+ ${api} of process ${pid}`);
    for (const { api, pid } of removed) console.log(`- ${api} of process ${pid}`);
    console.log(`${services.length} in all`);
  });
  // #endregion
  const other = await startService();
  await lookUp(member);
  await loseLeader(member, leader);

  const exit = once(other, "exit");
  other.kill("SIGTERM");
  await exit;
  const found = await member.discoverApi("users");
  if (!found.success) console.log(found.error); // Service not registered: nobody serves "users"; …

  stopWatching();
  await member.close();
  await byHand();
}

async function lookUp(member: Member): Promise<void> {
  // #region look-up
  const users = await member.discoverApi("users");
  if (!users.success) throw new Error(users.error); // Service not registered: nobody serves …

  // Through the leader, which asks one replica after the other.
  for (const path of ["/users/1", "/users/2"]) {
    const response = await fetch(users.url + path);
    console.log(await response.text());
  }
  // Past the leader, to one replica.
  console.log(await (await fetch(`${users.baseUrl}/users/3`)).text());
  // #endregion

  // #region list
  for (const { api, baseUrl, pid } of await member.list()) console.log(api, baseUrl, pid);
  // #endregion
}

async function loseLeader(member: Member, leader: ChildProcess): Promise<void> {
  // #region change
  const stopListening = member.onChange(({ isLeader, epoch, leaderPid, error }) => {
    if (error !== undefined) console.log(error.message);
    else if (epoch === 0) console.log("Nobody leads");
    else console.log(`Epoch ${epoch}: ${isLeader ? "this process" : leaderPid} leads`);
  });
  // #endregion

  // #region kill
  const exit = once(leader, "exit");
  leader.kill("SIGKILL");
  await exit;
  // Nothing is different for who asks: this waits until there is a new leader that has heard from all members.
  const users = await member.discoverApi("users");
  if (users.success) console.log(await (await fetch(`${users.url}/users/4`)).text());
  // #endregion
  stopListening();
}

/** Resolves when it has registered. */
async function startService(): Promise<ChildProcess> {
  const env = { ...process.env, CROSSWIRE_NAME: NAME };
  const service = spawn(process.execPath, ["--import", "tsx", SERVICE], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const died = once(service, "exit").then(() => {
    throw new Error("A service ended before it was registered");
  });
  const lines = createInterface(service.stdout);
  lines.on("line", (line) => console.log(line));
  await Promise.race([once(lines, "line"), died]);
  died.catch(() => {}); // later it is expected
  return service;
}

if (process.argv[1] === import.meta.filename) await main();
