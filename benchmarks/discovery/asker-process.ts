// The process that asks: as a follower of the leader, and as a plain client of the raw server.

import { joinDiscovery } from "../../src/discovery/join-discovery.ts";
import { IPCClient } from "../../src/ipc/client.ts";
import { rawLookup, serviceName, SERVICES } from "./answer.ts";

export interface Task {
  readonly peer: "ipc" | "lookup";
  readonly inFlight: number;
  readonly seconds: number;
}

export interface Answered {
  readonly count: number;
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly p50Micros: number;
}

const [leaderPort, rawPort] = process.argv.slice(2).map(Number);
const member = await joinDiscovery({ port: leaderPort ?? 0, name: "bench" });
const client = new IPCClient(rawPort ?? 0);
await client.connect();

const ask = {
  lookup: (api: string) => member.discoverApi(api),
  ipc: (api: string) => client.sendFrameworkRequest(rawLookup, api),
};

process.on("disconnect", () => process.exit());
process.on("message", (task: Task) => void run(task).then((answered) => process.send?.(answered)));
process.send?.("ready");

async function run({ peer, inFlight, seconds }: Task): Promise<Answered> {
  const micros: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  const lane = async (first: number): Promise<void> => {
    for (let turn = first, now = performance.now(); now < end; turn++) {
      const before = now;
      const answer = await ask[peer](serviceName(turn % SERVICES));
      if (!answer.success) throw new Error(answer.error);
      now = performance.now();
      micros.push((now - before) * 1000);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, i) => lane(i)));
  const { user, system } = process.cpuUsage(cpuBefore);
  micros.sort((a, b) => a - b);
  return {
    count: micros.length,
    seconds: (performance.now() - startedAt) / 1000,
    cpuMicros: user + system,
    p50Micros: micros[Math.floor(micros.length / 2)] ?? Number.NaN,
  };
}
