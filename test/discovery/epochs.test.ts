// Epochs: each leader has a later one than all before, and what was decided under an older one is refused.

import { rmSync, writeFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { DiscoveryIPC } from "crosswire/discovery";
import { expect, test } from "vitest";
import { rejection } from "../fixtures/wait.ts";
import { freePort } from "./fixtures/member-port.ts";
import { eventually, joinMany, leaderOf, visit } from "./fixtures/member-world.ts";

/** Later than what the clock alone would give, so that it must have been heard of. */
const FAR = 4_000_000_000;
const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001" };

function noteFile(port: number): string {
  return joinPath(String(process.env["CROSSWIRE_RUNTIME_DIR"]), `discovery-${port}.json`);
}

test("an epoch is later than all before: after failovers, and when everybody was gone", async () => {
  const port = await freePort();
  const epochs: number[] = [];
  for (const _generation of [1, 2]) {
    let members = await joinMany(port, 3);
    while (members.length > 0) {
      const leader = await leaderOf(members);
      epochs.push(leader.epoch);
      expect(leader.leadership?.epoch).toBe(leader.epoch);
      await leader.close();
      members = members.filter((member) => member !== leader);
    }
  }
  expect(epochs).toHaveLength(6);
  expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => a - b));
});

test.each([
  "nothing",
  "no JSON",
  '{"epoch":"7","members":[]}',
  '{"epoch":7}',
  '{"epoch":1e300,"members":[]}',
])("a note that says %s is none, but members remember", async (text) => {
  const port = await freePort();
  writeFileSync(noteFile(port), `{"epoch":${FAR},"members":[]}`, { mode: 0o600 });
  const [leader, follower] = await joinMany(port, 2);
  expect(follower!.epoch).toBe(FAR + 1);
  if (text === "nothing") rmSync(noteFile(port));
  else writeFileSync(noteFile(port), text);
  await leader!.close();
  await leaderOf([follower!]);
  expect(follower!.epoch).toBe(FAR + 2);
});

test("a new leader that knows no epoch takes a later one when a member remembers one", async () => {
  const port = await freePort();
  const [leader, follower] = await joinMany(port, 2);
  const visitor = await visit(port);
  const { join: joining } = DiscoveryIPC.discoveryServer;
  // As a member that was away while the note was lost.
  const answer = await visitor.sendFrameworkRequest(joining, {
    name: "members-test",
    instanceId: "was-away",
    pid: process.pid,
    knownEpoch: FAR,
    services: [],
  });
  expect(answer).toMatchObject({ success: true, epoch: FAR + 1 });
  expect([leader!.epoch, leader!.leadership?.epoch]).toEqual([FAR + 1, FAR + 1]);
  // Who was there before does not have to know to go on.
  await follower!.register([USERS]);
  expect(await follower!.discoverApi("users")).toMatchObject({ success: true, epoch: FAR + 1 });
  expect(follower!.epoch).toBe(FAR + 1);
  await leader!.close();
  await leaderOf([follower!]);
  expect(follower!.epoch).toBe(FAR + 2);
});

test("what was decided under an older epoch is refused, on the leader and over the wire", async () => {
  const port = await freePort();
  const [first, ...others] = await joinMany(port, 3);
  const { epoch } = first!;
  await first!.close();
  const { epoch: current } = await leaderOf(others);
  const stale = {
    code: "XW_STALE_EPOCH",
    message: expect.stringContaining(
      `"users" was registered for epoch ${epoch}, but this is epoch ${current}`,
    ) as string,
    detail: { epoch: current },
  };
  for (const member of others) {
    expect(await rejection(member.register([{ ...USERS, epoch }]))).toMatchObject(stale);
    expect(await member.list()).toEqual([]);
  }
  const visitor = await visit(port);
  const { register } = DiscoveryIPC.discoveryServer;
  const late = visitor.sendFrameworkRequest(register, [{ ...USERS, epoch }]);
  expect(await rejection(late)).toMatchObject({ detail: { code: "XW_STALE_EPOCH" } });
  for (const member of others) await member.register([{ ...USERS, epoch: member.epoch }]);
  expect(await others[0]!.list()).toHaveLength(2);
});

test("what the next leader refuses is told as a warning, and the rest is registered", async () => {
  const port = await freePort();
  const [first, second, third] = await joinMany(port, 3);
  const api = { api: "a", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/a" };
  await third!.register([USERS, api]);
  await first!.close();
  await leaderOf([second!, third!]);
  await eventually(async () => (await second!.list()).length === 2, "both services");
  await third!.close();
  // Its prefix is taken by the time that a member which had it comes.
  await second!.register([{ ...api, api: "b" }]);
  const visitor = await visit(port);
  const answer = await visitor.sendFrameworkRequest(DiscoveryIPC.discoveryServer.join, {
    name: "members-test",
    instanceId: "comes-back",
    pid: process.pid,
    knownEpoch: 1,
    services: [USERS, api],
  });
  expect(answer).toMatchObject({
    success: true,
    refused: [expect.stringContaining('The path prefix "/a" of "a" is taken by "b"')],
  });
  expect((await second!.list()).map((service) => service.api)).toEqual(["b", "users"]);
});
