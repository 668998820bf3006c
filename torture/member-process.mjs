// A member as a process of its own. Plain JavaScript, because hundreds of them start: it joins when told to, serves one
// service under the name it is given, and reports where it stands.

import { joinDiscovery } from "crosswire/discovery";

const [port, name, service] = process.argv.slice(2);
let member;

process.on("message", (command) => void obey(command));
process.on("SIGTERM", () => void leave());
// Whoever started it is gone.
process.on("disconnect", () => process.exit());
process.send({ type: "ready" });

async function obey(command) {
  if (command === "join") await join();
  if (command === "leave") await leave();
  if (command === "memory") {
    globalThis.gc?.();
    process.send({ type: "memory", bytes: process.memoryUsage().heapUsed });
  }
}

async function join() {
  try {
    member = await joinDiscovery({ port: Number(port), name });
    member.onChange(report);
    report({ isLeader: member.isLeader, epoch: member.epoch });
    if (service !== undefined)
      await member.register([
        { api: service, baseUrl: `http://127.0.0.1:1/${service}`, pathPrefix: `/${service}` },
      ]);
    process.send({ type: "joined" });
  } catch (error) {
    process.send({ type: "failed", error: String(error) });
  }
}

async function leave() {
  await member?.close();
  process.exit();
}

let wasLeader = false;
let lastError;

// Only what the crowd has to know: what is told while leaders change is in the way of what is measured.
function report({ isLeader, epoch, error }) {
  if (isLeader === wasLeader && error === lastError) return;
  wasLeader = isLeader;
  lastError = error;
  // CLOCK_MONOTONIC: the same for all processes of the machine.
  const at = process.hrtime.bigint().toString();
  process.send({ type: "standing", isLeader, epoch, at, error: error?.code });
}
