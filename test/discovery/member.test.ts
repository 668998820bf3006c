// What a member can do, whoever leads, and what stays when the leader leaves. All members of these tests are in one process.

import { mkdirSync, rmSync } from "node:fs";
import { join as joinPath } from "node:path";
import { DiscoveryIPC, joinDiscovery, type WatchUpdate } from "crosswire/discovery";
import { expect, test } from "vitest";
import { deferred, inbox, nextWarning, rejection, until, within } from "../fixtures/wait.ts";
import { freePort, isFree, isFreeNow } from "./fixtures/member-port.ts";
import {
  join,
  joinMany,
  leaderOf,
  NAME,
  openResources,
  standingsOf,
  visit,
} from "./fixtures/member-world.ts";

const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001" };
const ORDERS = { api: "orders", baseUrl: "http://127.0.0.1:4002" };

test("one leads, the others follow, and all agree on who it is", async () => {
  const port = await freePort();
  const [first, ...others] = await joinMany(port, 3);
  expect(first).toMatchObject({ isLeader: true, url: `http://127.0.0.1:${port}` });
  const { epoch, url } = first!;
  expect(epoch).toBeGreaterThan(0);
  expect(first!.leadership).toMatchObject({ epoch });
  expect(first!.standing).toEqual({ isLeader: true, epoch, url, leaderPid: process.pid });
  for (const other of others) {
    expect(other).toMatchObject({ isLeader: false, epoch, url });
    expect(other.standing).toEqual({ isLeader: false, epoch, url, leaderPid: process.pid });
    expect(other.leadership).toBeUndefined();
  }
});

test("services are registered, found, listed and unregistered from the leader and from followers", async () => {
  const port = await freePort();
  const [leader, follower] = await joinMany(port, 2);
  await leader!.register([USERS]);
  await follower!.register([ORDERS]);
  for (const member of [leader!, follower!]) {
    expect(await member.discoverApi("users")).toEqual({
      success: true,
      url: leader!.url,
      baseUrl: USERS.baseUrl,
      epoch: leader!.epoch,
    });
    expect(await member.discoverApi("orders")).toMatchObject({ baseUrl: ORDERS.baseUrl });
    expect(await member.list()).toEqual([
      { ...USERS, owner: leader!.instanceId, pid: process.pid },
      { ...ORDERS, owner: follower!.instanceId, pid: process.pid },
    ]);
  }
  // Each can take back only what is its own.
  expect(await leader!.unregister("orders")).toBe(0);
  expect(await follower!.unregister("orders", ORDERS.baseUrl)).toBe(1);
  expect(await leader!.unregister()).toBe(1);
  expect(await follower!.list()).toEqual([]);
  expect(await follower!.discoverApi("users")).toMatchObject({ success: false, retryable: false });
});

test("what cannot be a service is refused where it was asked for", async () => {
  const [leader, follower] = await joinMany(await freePort(), 2);
  for (const member of [leader!, follower!]) {
    const failure = rejection(member.register([{ api: "users", baseUrl: "ftp://files" }]));
    expect(await failure).toMatchObject({ code: "XW_INVALID" });
  }
});

test("a watcher hears of changes only, whoever leads meanwhile", async () => {
  const [leader, follower, other] = await joinMany(await freePort(), 3);
  await other!.register([USERS]);
  const updates = inbox<WatchUpdate>("an update");
  const undo = follower!.watch(updates.put);
  expect(await updates.next()).toMatchObject({ epoch: leader!.epoch, added: [USERS], removed: [] });
  await leader!.close();
  const { epoch } = await leaderOf([follower!, other!]);
  await other!.register([ORDERS]);
  const update = await updates.next();
  expect(update).toMatchObject({ epoch, added: [ORDERS], removed: [] });
  expect(update.services).toMatchObject([USERS, ORDERS]);
  await other!.unregister("users");
  expect(await updates.next()).toMatchObject({ added: [], removed: [USERS] });
  undo();
  await other!.unregister("orders");
  expect(await follower!.list()).toEqual([]);
  expect(updates.waiting).toEqual([]);
});

test("when the leader leaves another one leads in a later epoch, and all services of those who stay are there", async () => {
  const [leader, ...others] = await joinMany(await freePort(), 4);
  await leader!.register([{ api: "leaves", baseUrl: "http://127.0.0.1:4009" }]);
  const baseUrls = others.map((_other, index) => `http://127.0.0.1:${4001 + index}`);
  for (const [index, other] of others.entries()) {
    await other.register([{ api: `api-${index}`, baseUrl: baseUrls[index]! }]);
  }
  const { epoch } = leader!;
  await leader!.close();
  const next = await leaderOf(others);
  expect(next.epoch).toBeGreaterThan(epoch);
  for (const member of others) {
    const services = await member.list();
    expect(services.map(({ baseUrl }) => baseUrl).toSorted()).toEqual(baseUrls);
    expect(await member.discoverApi("leaves")).toMatchObject({ success: false, retryable: false });
  }
});

test("onChange tells of a follower that its leader is gone, and who is next", async () => {
  const [leader, follower] = await joinMany(await freePort(), 2);
  const standings = standingsOf(follower!);
  const { url } = leader!;
  await leader!.close();
  expect(await standings.next()).toEqual({ isLeader: false, epoch: 0, url: "" });
  const next = await standings.next();
  const { epoch } = follower!;
  expect(next).toEqual({ isLeader: true, epoch, url, leaderPid: process.pid });
  expect(follower!.standing).toEqual(next);
});

test("lookups in flight while the leader leaves, and those that begin then, all succeed", async () => {
  const [leader, follower, other] = await joinMany(await freePort(), 3);
  await other!.register([USERS]);
  const lookups = Array.from({ length: 50 }, () => follower!.discoverApi("users"));
  const { epoch } = leader!;
  const closed = leader!.close();
  while (follower!.epoch <= epoch || other!.epoch <= epoch) {
    const lookup = follower!.discoverApi("users");
    lookups.push(lookup);
    await lookup;
  }
  await closed;
  expect(lookups.length).toBeGreaterThan(50);
  const failed = (await Promise.all(lookups)).filter(({ success }) => !success);
  expect(failed).toEqual([]);
});

test("the leadership aborts before the port is free", async () => {
  const port = await freePort();
  const leader = await join(port);
  const { signal } = leader.leadership!;
  let wasFree: boolean | undefined;
  signal.addEventListener("abort", () => (wasFree = isFreeNow(port)));
  await leader.close();
  expect(wasFree).toBe(false);
  expect(isFreeNow(port)).toBe(true);
});

test("a follower that leaves takes its services with it, and nobody waits for it", async () => {
  const port = await freePort();
  const [leader, follower, hasty] = await joinMany(port, 3);
  await follower!.register([USERS]);
  await hasty!.register([ORDERS]);
  await follower!.close();
  expect(await leader!.discoverApi("users")).toMatchObject({ success: false, retryable: false });
  const visitor = await visit(port);
  await hasty!.close({ graceMs: 0 });
  const { discoverApi } = DiscoveryIPC.discoveryServer;
  let found = await visitor.sendFrameworkRequest(discoverApi, "orders");
  // The leader may hear of it a moment later, but then it does not expect that member back.
  while (found.success) found = await visitor.sendFrameworkRequest(discoverApi, "orders");
  expect(found).toMatchObject({ success: false, retryable: false });
});

test("a leader that cannot write its note any more warns of it, goes on, and can leave", async () => {
  const port = await freePort();
  const [leader, follower] = await joinMany(port, 2);
  const note = joinPath(String(process.env["CROSSWIRE_RUNTIME_DIR"]), `discovery-${port}.json`);
  rmSync(note);
  // Nothing can be renamed over a folder.
  mkdirSync(note);
  // Whom to wait for is not different by what the leader itself serves.
  await leader!.register([USERS]);
  const warned = nextWarning();
  await follower!.register([ORDERS]);
  expect((await warned).message).toContain("writing down the members for the next leader");
  expect(await leader!.discoverApi("orders")).toMatchObject({ success: true });
  await follower!.close();
  await leader!.close();
  expect(await isFree(port)).toBe(true);
});

test("a member that is closed takes no more calls, and closing again does no harm", async () => {
  const [leader, follower] = await joinMany(await freePort(), 2);
  for (const member of [follower!, leader!]) {
    const closing = member.close();
    expect(member.close()).toBe(closing);
    const during = await rejection(member.discoverApi("users"));
    expect(during).toMatchObject({ code: "XW_CLOSED" });
    await closing;
    const calls = [member.discoverApi("users"), member.list(), member.register([USERS])];
    for (const call of [...calls, member.unregister()]) {
      expect(await rejection(call)).toMatchObject({ code: "XW_CLOSED" });
    }
    expect(member).toMatchObject({ isLeader: false, epoch: 0, url: "" });
  }
});

test("calls that are under way when their member closes come to an end", async () => {
  const [leader, follower] = await joinMany(await freePort(), 2);
  await leader!.register([USERS]);
  for (const member of [follower!, leader!]) {
    const calls = Array.from({ length: 20 }, () =>
      member.discoverApi("users").then(
        ({ success }) => success,
        (error: { code: string }) => error.code,
      ),
    );
    const closing = member.close({ graceMs: 0 });
    for (const outcome of await within(Promise.all(calls), "calls of a closing member"))
      expect([true, "XW_CLOSED"]).toContain(outcome);
    await within(closing, "the member to close");
  }
});

test("a member that closes while it looks for a leader is closed soon", async () => {
  const port = await freePort();
  const [leader, follower] = await joinMany(port, 2);
  const lost = deferred();
  follower!.onChange(() => lost.resolve());
  const leaving = leader!.close();
  await lost.promise;
  const waiting = rejection(follower!.register([USERS]));
  await follower!.close();
  expect(await waiting).toMatchObject({ code: "XW_CLOSED" });
  await leaving;
  expect(await isFree(port)).toBe(true);
});

test.each(["one after the other", "at the same moment"])(
  "members that are closed %s leave no socket and no timer",
  async (when) => {
    const before = openResources();
    const port = await freePort();
    const members = await joinMany(port, 5);
    for (const member of members) {
      member.watch(() => {});
      await member.register([USERS]);
      await member.discoverApi("users");
    }
    if (when === "at the same moment") await Promise.all(members.map((member) => member.close()));
    else for (const member of members) await member.close();
    expect(await isFree(port)).toBe(true);
    await until(
      () => openResources().length <= before.length,
      `what is open beside ${before.join()} to be closed`,
    );
  },
);

test.each([
  ["a port that is none", { port: 0 }],
  ["a limit that is none", { limits: { discoverySettleMs: -1 } }],
  ["a token that is too short", { token: "" }],
])("%s is a TypeError at once", async (_what, options) => {
  const port = await freePort();
  expect(() => joinDiscovery({ port, name: NAME, ...options })).toThrow(TypeError);
});

test("await using closes a member", async () => {
  const port = await freePort();
  {
    await using member = await joinDiscovery({ port, name: NAME });
    expect(member.isLeader).toBe(true);
  }
  expect(await isFree(port)).toBe(true);
});
