// Steps in which everything goes well: the processes meet, ask and answer.

import type { IPCServer } from "crosswire";
import { compose, countPrimes, findWord } from "./commands.ts";
import { CrewMember } from "./crew.ts";
import { say } from "./narrator.ts";

export async function startServer(server: IPCServer): Promise<void> {
  await server.start();
  say(`new IPCServer(0) listens on ${server.getUrl()}, process ${process.pid}.`);
  say("Its token lies in a file that only this user can read: there clients find it.");
}

export async function startWorkers(server: IPCServer): Promise<CrewMember[]> {
  const port = String(server.getPort());
  const names = ["worker-1", "worker-2", "worker-3"];
  say(`Each is started as: node worker.ts ${port} <name>`);
  const connected = new Promise<void>((resolve) => {
    server.onClientConnect(({ runtimeId, pid }) => {
      say(`${runtimeId} has connected, from process ${pid}.`);
      if (server.clients().length === names.length) resolve();
    });
  });
  const workers = names.map((name) => new CrewMember(name, "worker.ts", [port, name]));
  const deaths = workers.map(async ({ name, ended }) => {
    throw new Error(`${name} ended before it connected: ${await ended}`);
  });
  await Promise.race([connected, ...deaths]);
  return workers;
}

export async function command(server: IPCServer): Promise<void> {
  const limits = { "worker-1": 100, "worker-2": 10_000, "worker-3": 1_000_000 };
  await Promise.all(
    Object.entries(limits).map(async ([name, limit]) => {
      const count = await server.sendFrameworkMessage(name, countPrimes, limit);
      say(`${name} counts the primes below ${limit}: ${count}`);
    }),
  );
  const start = performance.now();
  const lane = async (): Promise<void> => {
    for (let i = 0; i < 100; i++) await server.sendFrameworkMessage("worker-1", countPrimes, 10);
  };
  await Promise.all(Array.from({ length: 64 }, lane));
  const perSecond = 6_400 / ((performance.now() - start) / 1_000);
  const rounded = (Math.round(perSecond / 1_000) * 1_000).toLocaleString("en-US");
  say(`6,400 more calls to worker-1, 64 at a time: about ${rounded} per second.`);
}

export async function askBack(server: IPCServer): Promise<void> {
  server.onFrameworkMessage(findWord, ({ letters }, { runtimeId }) => {
    say(`To answer, ${runtimeId} asks the server for a word of ${letters} letters.`);
    return "crosswire";
  });
  say("The server asks worker-2 to compose something.");
  say(`The answer: "${await server.sendFrameworkMessage("worker-2", compose)}"`);
}
