// Who leads next: one is named, bids first, and has rehearsed it; and what becomes of the others when it cannot.

import { readdirSync } from "node:fs";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type AddressInfo, createServer } from "node:net";
import { DiscoveryIPC, type Elector, PortElector } from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import type { JoinAnswer } from "../../src/discovery/discovery-ipc.ts";
import { type Inbox, inbox, until } from "../fixtures/wait.ts";
import { freePort } from "./fixtures/member-port.ts";
import { RemoteMember } from "./fixtures/member-process.ts";
import {
  eventually,
  join,
  joinMany,
  leaderOf,
  NAME,
  openResources,
  timed,
  visit,
} from "./fixtures/member-world.ts";

/** The others stay away for 80 ms at most; the rest is for a busy machine. */
const SOON_MS = 1_000;
const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001" };

/** Joins as no member does: only to be told who is next. */
async function overhear(port: number): Promise<{ successor: unknown; changes: Inbox<unknown> }> {
  const client = await visit(port);
  const changes = inbox<unknown>("another successor");
  client.onMessage(DiscoveryIPC.discoveryMember.successor, changes.put);
  const request = { name: NAME, instanceId: "listener", pid: process.pid, knownEpoch: 0 };
  const answer: JoinAnswer = await client.sendFrameworkRequest(DiscoveryIPC.discoveryServer.join, {
    ...request,
    services: [],
  });
  return { successor: answer.success && answer.successor, changes };
}

test("the member that has followed for longest leads next, whatever it registers", async () => {
  const [leader, first, second, third] = await joinMany(await freePort(), 4);
  await third!.register([USERS]);
  await first!.register([USERS]);
  await first!.unregister();
  await leader!.close();
  expect(await leaderOf([first!, second!, third!])).toBe(first);
});

test("when the successor leaves the next one is named, and leads", async () => {
  const port = await freePort();
  const [leader, first, second, third] = await joinMany(port, 4);
  const { successor, changes } = await overhear(port);
  expect(successor).toBe(first!.instanceId);
  await first!.close();
  expect(await changes.next()).toBe(second!.instanceId);
  await leader!.close();
  expect(await leaderOf([second!, third!])).toBe(second);
});

test("when the last that could lead has left nobody is named", async () => {
  const port = await freePort();
  const [, follower] = await joinMany(port, 2);
  const { successor, changes } = await overhear(port);
  expect(successor).toBe(follower!.instanceId);
  await follower!.close();
  expect(await changes.next()).toBeNull();
});

test("a member whose elector never bids is not named", async () => {
  const port = await freePort();
  const elector: Elector = {
    port,
    canLead: false,
    find: async () => port,
    bid: async () => undefined,
  };
  const leader = await join(port);
  const looker = await join(port, { elector });
  expect(await overhear(port)).toMatchObject({ successor: undefined });
  const next = await join(port);
  expect(await overhear(port)).toMatchObject({ successor: next.instanceId });
  await leader.close();
  expect(await leaderOf([looker, next])).toBe(next);
});

test("a successor bids at once: whoever seems to lead is asked after that", async () => {
  const port = await freePort();
  const real = new PortElector(port);
  const seen: string[] = [];
  const other = createServer((socket) => {
    seen.push("asked");
    socket.destroy();
  });
  onTestFinished(() => void other.close());
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  let address = port;
  const elector: Elector = {
    port,
    find: async () => address,
    bid: (bid) => {
      seen.push("bid");
      return real.bid(bid);
    },
  };
  const leader = await RemoteMember.start(port);
  const next = await join(port, { elector });
  ({ port: address } = other.address() as AddressInfo);
  await leader.kill();
  await leaderOf([next]);
  expect(seen[0]).toBe("bid");
});

test("a successor that is killed with its leader is replaced soon", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port);
  const successor = await RemoteMember.start(port);
  const others = await joinMany(port, 2);
  const { ms } = await timed(async () => {
    await Promise.all([leader.kill(), successor.kill()]);
    await leaderOf(others);
  });
  expect(ms).toBeLessThan(SOON_MS);
});

test("a successor that is stopped does not stop the others, and follows when it goes on", async () => {
  const port = await freePort();
  const leader = await RemoteMember.start(port);
  const successor = await RemoteMember.start(port);
  const others = await joinMany(port, 2);
  successor.stop();
  const { value: next, ms } = await timed(async () => {
    await leader.kill();
    return leaderOf(others);
  });
  expect(ms).toBeLessThan(SOON_MS);
  successor.continue();
  const { epoch } = next;
  await eventually(async () => (await successor.standing()).epoch === epoch, "it to follow");
  expect(await successor.standing()).toMatchObject({ isLeader: false });
  expect(next.isLeader).toBe(true);
});

test("a successor rehearses once, and leaves nothing behind", async () => {
  const port = await freePort();
  const [, successor] = await joinMany(port, 2);
  const [resources, notes] = [openResources(), readdirSync(runtimeDirectory())];
  const ends = inbox<unknown>("the end of a rehearsal");
  const hear = (event: unknown): void => {
    if ((event as { peer: string }).peer.includes("rehearsal")) ends.put(event);
  };
  subscribe("crosswire:peer:close", hear);
  onTestFinished(() => void unsubscribe("crosswire:peer:close", hear));
  await ends.next();
  await until(() => openResources().length <= resources.length, "what it opened to be closed");
  expect(readdirSync(runtimeDirectory())).toEqual(notes);
  expect(successor!.isLeader).toBe(false);
});

function runtimeDirectory(): string {
  return String(process.env["CROSSWIRE_RUNTIME_DIR"]);
}
