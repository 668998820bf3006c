// Steps in which something goes wrong, and how it reads where it matters.

import { type CrosswireError, type IPCServer, isCrosswireError } from "crosswire";
import { fail, started, stopped, work } from "./commands.ts";
import type { CrewMember } from "./crew.ts";
import { nextMessage } from "./messages.ts";
import { say } from "./narrator.ts";

export async function handlerThrows(server: IPCServer): Promise<void> {
  const error = await failureOf(server.sendFrameworkMessage("worker-1", fail, "report.pdf"));
  say(`${error.code}: ${error.message}`);
  say(`error.detail is ${JSON.stringify(error.detail)}`);
  say(`error.cause: ${(error.cause as Error).message}. No stack crossed the wire.`);
}

export async function abort(server: IPCServer): Promise<void> {
  const controller = new AbortController();
  const begun = nextMessage(server, started, "worker-1");
  const told = nextMessage(server, stopped, "worker-1");
  const call = server.sendFrameworkMessage("worker-1", work, undefined, {
    signal: controller.signal,
  });
  await begun;
  say("worker-1 works on something long. The server calls controller.abort().");
  controller.abort(new Error("not needed any more"));
  await call.catch((reason: Error) => say(`The call rejects with: ${reason.message}`));
  say(`The handler's signal has fired: ${(await told).why}`);
}

export async function killOne(server: IPCServer, victim: CrewMember): Promise<void> {
  const begun = nextMessage(server, started, victim.name);
  const call = failureOf(server.sendFrameworkMessage(victim.name, work));
  await begun;
  say(`kill -9 ${victim.pid}`);
  const killedAt = performance.now();
  victim.kill();
  const error = await call;
  say(`${error.code} after ${(performance.now() - killedAt).toFixed(1)} ms: ${error.message}`);
  const later = await failureOf(server.sendFrameworkMessage(victim.name, work));
  say(`The next call: ${later.code}: ${later.message}`);
}

async function failureOf(call: Promise<unknown>): Promise<CrosswireError> {
  try {
    await call;
  } catch (error) {
    if (isCrosswireError(error)) return error;
    throw error;
  }
  throw new Error("the call was expected to fail");
}
