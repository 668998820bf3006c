// Processes that are stopped and continue: a leader that lives but does not answer stays the leader, and who waits for it
// is told so; a follower loses its services for as long as it cannot serve them.

import type { Member } from "crosswire/discovery";
import { expect, test } from "vitest";
import { rejection, until } from "../fixtures/wait.ts";
import { freePort } from "./fixtures/member-port.ts";
import { RemoteMember } from "./fixtures/member-process.ts";
import { eventually, join, standingsOf, timed } from "./fixtures/member-world.ts";

const limits = { heartbeatQuietMs: 200, heartbeatReplyMs: 300, closeGraceMs: 100 };
/** A ping may have been answered just before. */
const HEARTBEAT_MS = 2 * limits.heartbeatQuietMs + limits.heartbeatReplyMs;
/** For a machine that has other things to do. */
const LEEWAY_MS = 1_000;
const RECOVERY_MS = 1_000;

function apisOf(member: Member | RemoteMember): Promise<string[]> {
  return member.list().then((services) => services.map(({ api }) => api).toSorted());
}

test("a stopped leader is named within the heartbeat, is not replaced, and leads on with all services when it continues", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port, { limits });
  const followers = [await join(port, { limits }), await join(port, { limits })];
  const standings = standingsOf(followers[0]!);
  const { epoch } = followers[0]!;
  await leader.register([{ api: "of-leader", baseUrl: "http://127.0.0.1:4001" }]);
  for (const [index, follower] of followers.entries()) {
    await follower.register([{ api: `of-${index}`, baseUrl: `http://127.0.0.1:${4002 + index}` }]);
  }
  leader.stop();
  const lookups = await timed(() =>
    Promise.all(followers.map((follower) => rejection(follower.discoverApi("of-leader")))),
  );
  const unresponsive = { code: "XW_UNRESPONSIVE", detail: { pid: leader.pid, state: "stopped" } };
  expect(lookups.value).toMatchObject([unresponsive, unresponsive]);
  expect(lookups.ms).toBeLessThan(HEARTBEAT_MS + LEEWAY_MS);
  // Those who ask now need not wait again.
  const late = await timed(() => rejection(followers[0]!.discoverApi("of-1")));
  expect(late.value).toMatchObject({
    ...unresponsive,
    message: expect.stringMatching(
      /^discoverApi\(\) was not possible\. .*is stopped .*kill -CONT/,
    ) as string,
  });
  expect(late.ms).toBeLessThan(100);
  expect(await standings.next()).toMatchObject({ isLeader: false, epoch: 0, error: unresponsive });
  expect(followers.map(({ isLeader, url }) => [isLeader, url])).toEqual([
    [false, ""],
    [false, ""],
  ]);

  leader.continue();
  const recovery = await timed(async () => {
    await until(
      () => followers.every((follower) => follower.epoch === epoch),
      "the followers to be back",
    );
    await eventually(async () => (await apisOf(followers[0]!)).length === 3, "all services");
  });
  expect(recovery.ms).toBeLessThan(RECOVERY_MS);
  expect(await apisOf(leader)).toEqual(["of-0", "of-1", "of-leader"]);
  expect(await leader.standing()).toMatchObject({ isLeader: true, epoch });
  expect(followers.map(({ isLeader }) => isLeader)).toEqual([false, false]);
  expect(await followers[1]!.discoverApi("of-leader")).toMatchObject({ success: true, epoch });
});

test("a stopped follower is missing after the heartbeat, and its services are back when it continues", async () => {
  const port = await freePort();
  const leader = await join(port, { limits });
  const follower = await RemoteMember.start(port, { limits });
  await leader.register([{ api: "stays", baseUrl: "http://127.0.0.1:4001" }]);
  await follower.register([{ api: "stops", baseUrl: "http://127.0.0.1:4002" }]);
  expect(await apisOf(leader)).toEqual(["stays", "stops"]);
  follower.stop();
  const { ms } = await timed(() =>
    eventually(async () => (await apisOf(leader)).length === 1, "the service to be missing"),
  );
  expect(ms).toBeLessThan(HEARTBEAT_MS + LEEWAY_MS);
  expect(await leader.discoverApi("stops", { timeoutMs: 2_000 })).toMatchObject({ success: false });
  expect(await leader.discoverApi("stays")).toMatchObject({ success: true });
  follower.continue();
  await eventually(async () => (await apisOf(leader)).length === 2, "the service to be back");
  expect(await follower.standing()).toMatchObject({ isLeader: false, epoch: leader.epoch });
});

test("a member closes while its leader is stopped, and leaves nothing behind", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port, { limits });
  const early = await join(port, { limits });
  const late = await join(port, { limits });
  await early.register([{ api: "early", baseUrl: "http://127.0.0.1:4001" }]);
  leader.stop();
  // One before the silence is noticed, with a call under way, and one while it tries to come back.
  const call = rejection(early.discoverApi("early"));
  const closed = await timed(() => early.close({ graceMs: 100 }));
  expect(await call).toMatchObject({ code: "XW_CLOSED" });
  expect(closed.ms).toBeLessThan(1_000);
  expect(await rejection(late.list())).toMatchObject({ code: "XW_UNRESPONSIVE" });
  await late.close();
  expect(await rejection(late.list())).toMatchObject({ code: "XW_CLOSED" });
  leader.continue();
  await eventually(async () => (await apisOf(leader)).length === 0, "the services to be gone");
});
