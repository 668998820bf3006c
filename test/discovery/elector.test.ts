// The interface of electors: the one that binds a port, seen alone, and one of a test's own under joinDiscovery.

import { readFileSync } from "node:fs";
import { join as joinPath } from "node:path";
import { CrosswireError, IPCServer } from "crosswire";
import {
  type Bid,
  DiscoveryServer,
  type Elector,
  type Leadership,
  PortElector,
} from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import { deferred, rejection, until, within } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";
import { freePort } from "./fixtures/member-port.ts";
import { join, leaderOf, NAME, standingsOf } from "./fixtures/member-world.ts";

const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001" };
/** Later than what the clock alone would give, so that it must have been heard of. */
const FAR = 4_000_000_000;
const MEMBER = { id: "member-1", pid: process.pid };

function noteOf(port: number): unknown {
  const directory = String(process.env["CROSSWIRE_RUNTIME_DIR"]);
  return JSON.parse(readFileSync(joinPath(directory, `discovery-${port}.json`), "utf8"));
}

function createServer(port: number): IPCServer {
  const server = new IPCServer(port);
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server;
}

test("a bid for a taken port is lost, and one for a free port wins a later epoch", async () => {
  const port = await freePort();
  const elector = new PortElector(port);
  const holder = await openServer({}, port);
  expect(await elector.bid({ server: createServer(port), knownEpoch: FAR })).toBeUndefined();
  await holder.close();
  const leadership = await elector.bid({ server: createServer(port), knownEpoch: FAR });
  expect(leadership).toMatchObject({ epoch: FAR + 1, predecessors: [] });
  expect(await elector.find()).toBe(port);
});

test("the next leader learns the epoch and the members from the one before", async () => {
  const port = await freePort();
  const elector = new PortElector(port);
  const first = await elector.bid({ server: createServer(port), knownEpoch: 0 });
  first?.remember(FAR, [MEMBER]);
  expect(first?.epoch).toBe(FAR);
  await first?.resign(0);
  expect(first?.signal.aborted).toBe(true);
  const second = await elector.bid({ server: createServer(port), knownEpoch: 2 });
  expect(second).toMatchObject({ epoch: FAR + 1, predecessors: [MEMBER] });
  // Until they are back they are the next one's to wait for, too.
  expect(noteOf(port)).toEqual({ epoch: FAR + 1, members: [MEMBER] });
});

test("a leader that has resigned does not overwrite what its successor wrote down", async () => {
  const port = await freePort();
  const elector = new PortElector(port);
  const first = await elector.bid({ server: createServer(port), knownEpoch: 0 });
  first?.remember(FAR, [MEMBER]);
  await first?.resign(0);
  // As its clients go one after the other.
  first?.remember(FAR, []);
  const second = await elector.bid({ server: createServer(port), knownEpoch: 0 });
  first?.remember(FAR, []);
  expect(second?.predecessors).toEqual([MEMBER]);
  expect(noteOf(port)).toEqual({ epoch: FAR + 1, members: [MEMBER] });
});

test.each([0, -1, 65_536, 80.5, Number.NaN])("%d is no port to meet at", (port) => {
  expect(() => new PortElector(port)).toThrow(TypeError);
});

/** Elects whoever bids first, on any port; what it knows is in this object. */
class MemoryElector implements Elector {
  readonly port = 0;
  bids = 0;
  /** Thrown by the next bid, after its server has started. */
  failure: Error | undefined;
  /** What find() waits for. */
  gate: Promise<void> = Promise.resolve();
  #url: string | undefined;
  #epoch = 0;
  #members: Leadership["predecessors"] = [];
  trouble: Error | undefined;
  #lose: (() => void) | undefined;

  /** As when a lease runs out: whoever leads does no more, and has not been asked. */
  expire(): void {
    this.#url = undefined;
    this.#lose?.();
  }

  async find(): Promise<string | undefined> {
    await this.gate;
    if (this.trouble !== undefined) throw this.trouble;
    return this.#url;
  }

  async bid({ server, knownEpoch }: Bid): Promise<Leadership | undefined> {
    this.bids++;
    if (this.#url !== undefined) return undefined;
    this.#url = "taken";
    await server.start();
    if (this.failure !== undefined) {
      const { failure } = this;
      this.failure = undefined;
      this.#url = undefined;
      throw failure;
    }
    this.#url = server.getUrl();
    this.#epoch = Math.max(this.#epoch, knownEpoch) + 1;
    return this.#leadership(server);
  }

  #leadership(server: IPCServer): Leadership {
    const controller = new AbortController();
    let epoch = this.#epoch;
    this.#lose = () => controller.abort();
    return {
      get epoch() {
        return epoch;
      },
      signal: controller.signal,
      predecessors: this.#members,
      remember: (newEpoch, members) => {
        epoch = newEpoch;
        this.#epoch = newEpoch;
        this.#members = members;
      },
      resign: async (graceMs) => {
        controller.abort();
        this.#url = undefined;
        await server.close({ graceMs });
      },
    };
  }
}

test("members meet where an elector of one's own says, and follow its next leader", async () => {
  const elector = new MemoryElector();
  const leader = await join(1, { elector });
  const followers = [await join(1, { elector }), await join(1, { elector })];
  expect(leader.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  await followers[0]!.register([USERS]);
  expect(await leader.discoverApi("users")).toMatchObject({ baseUrl: USERS.baseUrl, epoch: 1 });
  expect(elector.bids).toBe(1);
  const { url } = leader;
  await leader.close();
  const next = await leaderOf(followers);
  expect(next.epoch).toBe(2);
  expect(next.url).not.toBe(url);
  for (const follower of followers) {
    expect(await follower.discoverApi("users")).toMatchObject({ success: true, epoch: 2 });
  }
});

test("what an elector rejects with is told to whoever joins, and to members that look for a leader", async () => {
  const elector = new MemoryElector();
  const [leader, follower] = [await join(1, { elector }), await join(1, { elector })];
  const standings = standingsOf(follower);
  elector.trouble = new CrosswireError("XW_UNREACHABLE", "The lease server is down.");
  await expect(join(1, { elector })).rejects.toBe(elector.trouble);
  await leader.close();
  await until(() => standings.waiting.some(({ error }) => error === elector.trouble));
  expect(await rejection(follower.list())).toMatchObject({
    code: "XW_UNREACHABLE",
    message: "list() was not possible. The lease server is down.",
  });
  elector.trouble = undefined;
  await leaderOf([follower]);
  expect(follower).toMatchObject({ isLeader: true, epoch: 2 });
});

test("a member outlives an elector that fails with an error of its own", async () => {
  const elector = new MemoryElector();
  const [leader, follower] = [await join(1, { elector }), await join(1, { elector })];
  const cause = new Error("503 from the lease server");
  elector.trouble = cause;
  await leader.close();
  await until(() => follower.standing.error !== undefined, "the trouble to be told");
  expect(follower.standing.error).toMatchObject({
    code: "XW_UNREACHABLE",
    message: "The elector failed: Error: 503 from the lease server",
    cause,
  });
  elector.trouble = undefined;
  await leaderOf([follower]);
});

test("a leader whose leadership runs out lets its followers go, and may lead again", async () => {
  const elector = new MemoryElector();
  const members = [await join(1, { elector }), await join(1, { elector })];
  const [first] = members;
  await members[1]!.register([USERS]);
  for (const epoch of [2, 3]) {
    const before = (await leaderOf(members)).leadership;
    elector.expire();
    expect(before?.signal.aborted).toBe(true);
    await until(() => first!.epoch === epoch && members[1]!.epoch === epoch, "the next epoch");
    await leaderOf(members);
    expect(await first!.discoverApi("users")).toMatchObject({ success: true, epoch });
  }
});

test("a member whose bid failed half-way can win the next one", async () => {
  const elector = new MemoryElector();
  const [leader, follower] = [await join(1, { elector }), await join(1, { elector })];
  const standings = standingsOf(follower);
  elector.failure = new CrosswireError("XW_LISTEN", "The note cannot be written.");
  await leader.close();
  await until(() => standings.waiting.some(({ error }) => error?.code === "XW_LISTEN"));
  await leaderOf([follower]);
  expect(await follower.list()).toEqual([]);
});

test("a member that closes just when it finds the next leader does not stay with it", async () => {
  const elector = new MemoryElector();
  const leader = await join(1, { elector });
  const late = await join(1, { elector });
  const gate = deferred();
  elector.gate = gate.promise;
  const lost = standingsOf(late).next();
  await leader.close();
  expect(await lost).toMatchObject({ epoch: 0 });
  // It waits at the gate. Meanwhile another one is elected, without looking for a leader first.
  const server = createServer(0);
  expect(await elector.bid({ server, knownEpoch: 0 })).toBeDefined();
  const discovery = new DiscoveryServer(server);
  onTestFinished(() => discovery.close());
  const term = { name: NAME, epoch: 2, expected: [], remember: () => {} };
  const identity = { instanceId: "next", pid: process.pid, url: server.getUrl(), startedAt: 0 };
  discovery.lead({ ...term, identity });
  const came = new Promise((resolve) => server.onClientConnect(resolve));
  const closing = late.close();
  gate.resolve();
  await within(came, "the member to come after all");
  await closing;
  await until(() => server.clients().length === 0, "the member to leave again");
});
