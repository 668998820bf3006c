// From one leader to the next, with processes: what lookups see meanwhile, and who is waited for.

import { DiscoveryIPC, type DiscoverApiResult } from "crosswire/discovery";
import { expect, test } from "vitest";
import type { FloodResult } from "./fixtures/children/member-child.ts";
import { freePort } from "./fixtures/member-port.ts";
import { RemoteMember } from "./fixtures/member-process.ts";
import { eventually, join, leaderOf, visit } from "./fixtures/member-world.ts";

const SLOW = { api: "slow", baseUrl: "http://127.0.0.1:4001" };
const STAYS = { api: "stays", baseUrl: "http://127.0.0.1:4002" };
const ELECTING: DiscoverApiResult = { success: false, error: "electing", retryable: true };
const limits = { closeGraceMs: 100, discoverySettleMs: 8_000 };

/** As anybody sees it who is no member: the answer of the leader, whatever it is. */
async function ask(port: number, api: string): Promise<DiscoverApiResult> {
  const visitor = await visit(port);
  return visitor.sendFrameworkRequest(DiscoveryIPC.discoveryServer.discoverApi, api);
}

test("while a member is not back yet its services are `electing`, and members wait for them", async () => {
  const port = await freePort();
  const leader = await join(port, { limits });
  const next = await join(port, { limits });
  const slow = await RemoteMember.start(port);
  await slow.register([SLOW]);
  slow.stop();
  await leader.close();
  await leaderOf([next]);
  expect(await ask(port, "slow")).toEqual(ELECTING);
  expect(await next.discoverApi("slow", { timeoutMs: 50 })).toEqual(ELECTING);
  const lookup = next.discoverApi("slow");
  slow.continue();
  expect(await lookup).toMatchObject({ success: true, baseUrl: SLOW.baseUrl, epoch: next.epoch });
  // Now that everybody is back, what is not there is not there.
  expect(await ask(port, "other")).toMatchObject({ success: false, retryable: false });
});

test("a leader that leaves before everybody is back passes on who is missing", async () => {
  const port = await freePort();
  const first = await join(port, { limits });
  const slow = await RemoteMember.start(port);
  await slow.register([SLOW]);
  const others = [await join(port, { limits }), await join(port, { limits })];
  for (const other of others) await other.register([STAYS]);
  slow.stop();
  await first.close();
  // The third has come back to the second, and with that was written down.
  const second = await leaderOf(others);
  const third = others.find((other) => other !== second)!;
  await second.close();
  await leaderOf([third]);
  expect(await ask(port, "slow")).toEqual(ELECTING);
  slow.continue();
  expect(await third.discoverApi("slow")).toMatchObject({ success: true, epoch: third.epoch });
});

test("for a follower that was killed nobody waits", async () => {
  const port = await freePort();
  const leader = await join(port, { limits });
  const doomed = await RemoteMember.start(port);
  await doomed.register([SLOW]);
  expect(await ask(port, "slow")).toMatchObject({ success: true });
  await doomed.kill();
  await eventually(async () => (await leader.list()).length === 0, "its services to be gone");
  expect(await ask(port, "slow")).toMatchObject({ success: false, retryable: false });
});

test("for a member that died with its leader nobody waits", async () => {
  const port = await freePort();
  const leader = await join(port, { limits });
  const follower = await join(port, { limits });
  const doomed = await RemoteMember.start(port);
  await doomed.register([SLOW]);
  await follower.register([STAYS]);
  doomed.process.kill("SIGKILL");
  // At once: the next leader is told to wait for the dead one, and for itself.
  await leader.close();
  await doomed.exited();
  await leaderOf([follower]);
  expect(await ask(port, "slow")).toMatchObject({ success: false, retryable: false });
});

test("a leader that gets SIGTERM and closes its member costs another process no lookup", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port);
  const keeper = await join(port);
  await keeper.register([STAYS]);
  const asking = await RemoteMember.start(port);
  await asking.do({ do: "flood" });
  // It answers: so the flood runs.
  const { epoch } = keeper;
  expect(await asking.discoverApi("stays")).toMatchObject({ success: true, epoch });
  leader.process.kill("SIGTERM");
  expect(await leader.exited()).toEqual({ code: 0, signal: null });
  await eventually(async () => (await asking.standing()).epoch > epoch, "the next leader");
  expect(await asking.discoverApi("stays")).toMatchObject({ success: true, epoch: keeper.epoch });
  const { good, failures } = await asking.do<FloodResult>({ do: "endFlood" });
  expect(failures).toEqual([]);
  expect(good).toBeGreaterThan(20);
});
