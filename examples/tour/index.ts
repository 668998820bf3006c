// What `npm start` runs: real processes that talk to each other, and a report of what happens.

import { IPCServer } from "crosswire";
import { answerForAnother } from "./answered.ts";
import { askBack, command, startServer, startWorkers } from "./calls.ts";
import { foreignPage, samePort } from "./doors.ts";
import { abort, handlerThrows, killOne } from "./failures.ts";
import { answerInPlace, holdFor, passOn } from "./front.ts";
import { closeGently, everythingEnds } from "./goodbye.ts";
import { step, title } from "./narrator.ts";
import { readSlowly, sendAndReceive } from "./streams.ts";
import { leaderIsKilled } from "./together.ts";
import type { CrewMember } from "./crew.ts";

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  let workers: CrewMember[] = [];
  title("A tour of Crosswire: six processes, one local wire. The code is in examples/tour.");
  try {
    await step("A server starts", () => startServer(server));
    await step("Three worker processes find it, told nothing but its port", async () => {
      workers = await startWorkers(server);
    });
    const [first, , third] = workers;
    if (first === undefined || third === undefined) return;
    await step("It commands each of them by name", () => command(server));
    await step("A worker asks back", () => askBack(server));
    await step("A stream with a slow reader", () => readSlowly(server));
    await step("Bytes up and bytes down, in one call", () => sendAndReceive(server));
    await step("A handler throws", () => handlerThrows(server));
    await step("The caller gives up", () => abort(server));
    await step("A worker is killed in the middle of a call", () => killOne(server, third));
    await step("A web request is answered in place of a service", () => answerInPlace(server));
    await step("Another one is passed on to the service itself", () => passOn(server));
    await step("A proxy waits for an application that is starting", holdFor);
    await step("Two processes find each other by a name, and the leader is killed", leaderIsKilled);
    await step(
      "An application is answered by this process, and knows nothing of it",
      answerForAnother,
    );
    await step("A second process wants the same port", () => samePort(server));
    await step("Strangers knock", () => foreignPage(server));
    await step("The server closes while a call is in flight", () => closeGently(server, first));
    await step("Everything ends by itself", () => everythingEnds(workers));
  } finally {
    await server.close();
    for (const worker of workers) worker.kill();
  }
}

if (process.argv[1] === import.meta.filename) await main();
