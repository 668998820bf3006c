// Who watches gets everything first, then each change in order, and leaves nothing behind.

import type { IPCServer } from "crosswire";
import type { DiscoveryClient, Service, WatchItem } from "crosswire/discovery";
import { expect, onTestFinished, test, vi } from "vitest";
import { WatchFeed } from "../../src/discovery/watch-feed.ts";
import { rejection, until, within } from "../fixtures/wait.ts";
import {
  onSocket,
  openPlace,
  openRegistrant,
  openRelayedRegistrant,
  type Registrant,
} from "./fixtures/registry-world.ts";

const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/users" };
const ORDERS = { api: "orders", baseUrl: "http://127.0.0.1:4002" };

/** What a watcher was told so far, in words, and what is registered according to it. */
class Seen {
  readonly steps: string[] = [];
  readonly services = new Map<string, Service>();
  snapshots = 0;
  #ended: Promise<void>;

  constructor(items: AsyncIterable<WatchItem>) {
    this.#ended = this.#read(items);
    // Whoever cares calls end().
    this.#ended.catch(() => {});
  }

  static of(client: DiscoveryClient, signal?: AbortSignal): Seen {
    return new Seen(client.watch(signal));
  }

  end(): Promise<void> {
    return within(this.#ended, "the watch to end");
  }

  /** Resolves when the last step is this one. */
  async upTo(step: string): Promise<readonly string[]> {
    await until(() => this.steps.at(-1) === step, `the step ${step} after ${this.steps.join()}`);
    return this.steps;
  }

  async #read(items: AsyncIterable<WatchItem>): Promise<void> {
    for await (const item of items) this.take(item);
  }

  take(item: WatchItem): void {
    if ("services" in item) {
      this.snapshots++;
      this.services.clear();
      for (const service of item.services) this.services.set(keyOf(service), service);
      this.steps.push(`all: ${item.services.map(({ api }) => api).join()}`);
      return;
    }
    for (const { type, service } of item.changes) {
      // A change that does not fit to what was told before is one that came twice, or was lost.
      const isKnown = this.services.has(keyOf(service));
      if (isKnown !== (type === "removed")) throw new Error(`${service.api} was ${type} in vain.`);
      if (type === "added") this.services.set(keyOf(service), service);
      else this.services.delete(keyOf(service));
      this.steps.push(`${type}: ${service.api}`);
    }
  }
}

function keyOf({ owner, api, baseUrl }: Service): string {
  return `${owner} ${api} ${baseUrl}`;
}

function manyOf(count: number, first = 0): { readonly api: string; readonly baseUrl: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    api: `api-${first + i}`,
    baseUrl: "http://127.0.0.1:4001",
  }));
}

/** How many feeds are still filled when something changes. */
async function countFeeds({ discovery }: Registrant): Promise<number> {
  const push = vi.spyOn(WatchFeed.prototype, "push");
  try {
    await discovery.register([{ api: "probe", baseUrl: "http://127.0.0.1:1" }]);
    await discovery.unregister("probe");
    return push.mock.calls.length / 2;
  } finally {
    push.mockRestore();
  }
}

test("a watcher gets all services first, then each change in its order", async () => {
  const { server, discovery } = await openPlace();
  const registrant = await openRegistrant(server);
  await registrant.discovery.register([USERS]);
  const seen = Seen.of((await openRegistrant(server)).discovery);
  expect(await seen.upTo("all: users")).toEqual(["all: users"]);
  expect([...seen.services.values()]).toEqual(discovery.list());
  await registrant.discovery.register([ORDERS, USERS]);
  await registrant.discovery.register([{ ...USERS, pathPrefix: "/v2" }]);
  await registrant.discovery.unregister("orders");
  const undo = discovery.addRoute({ api: "mock", baseUrl: "http://mock" });
  undo();
  await registrant.client.disconnect();
  expect((await seen.upTo("removed: users")).slice(1)).toEqual([
    "added: orders",
    "removed: users",
    "added: users",
    "removed: orders",
    "added: mock",
    "removed: mock",
    "removed: users",
  ]);
});

test("a watcher of an empty discovery is told that there is nothing", async () => {
  const { server } = await openPlace();
  const seen = Seen.of((await openRegistrant(server)).discovery);
  expect(await seen.upTo("all: ")).toEqual(["all: "]);
});

test("several watchers see the same, whenever they began", async () => {
  const { server, discovery } = await openPlace();
  const [registrant, watcher] = [await openRegistrant(server), await openRegistrant(server)];
  const first = Seen.of(watcher.discovery);
  await first.upTo("all: ");
  await registrant.discovery.register([USERS]);
  const second = Seen.of(watcher.discovery);
  const local = new Seen(discovery.watch(new AbortController().signal));
  await second.upTo("all: users");
  await local.upTo("all: users");
  await registrant.discovery.register([ORDERS]);
  await registrant.discovery.unregister();
  const expected = ["added: orders", "removed: users", "removed: orders"];
  expect(await first.upTo("removed: orders")).toEqual(["all: ", "added: users", ...expected]);
  expect(await second.upTo("removed: orders")).toEqual(["all: users", ...expected]);
  expect(await local.upTo("removed: orders")).toEqual(["all: users", ...expected]);
});

test("`break`, a signal and a lost connection end a watch, and nothing stays behind", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const [registrant, watcher] = [await openRegistrant(server), await openRegistrant(server)];
  const relayed = await openRelayedRegistrant(server);
  expect(await countFeeds(registrant)).toBe(0);

  const broken = (async () => {
    for await (const _item of watcher.discovery.watch()) break;
  })();
  await within(broken, "the loop to be left");
  const controller = new AbortController();
  const signalled = Seen.of(watcher.discovery, controller.signal);
  const lost = Seen.of(relayed.discovery);
  const local = new Seen(discovery.watch(controller.signal));
  for (const seen of [signalled, lost, local]) await seen.upTo("all: ");
  expect(await countFeeds(registrant)).toBe(3);
  controller.abort(new Error("seen enough"));
  relayed.relay.cut();
  await expect(signalled.end()).rejects.toThrow("seen enough");
  await expect(lost.end()).rejects.toMatchObject({ code: "XW_CONNECTION_LOST" });
  await local.end();
  await until(() => server.clients().length === 2, "the loss to be noticed");
  expect(await countFeeds(registrant)).toBe(0);
});

test("a watch under a signal that has fired already does not begin", async () => {
  const { server, discovery } = await openPlace();
  const registrant = await openRegistrant(server);
  const signal = AbortSignal.abort(new Error("too late"));
  await within(new Seen(discovery.watch(signal)).end(), "the local watch to end");
  const read = Seen.of(registrant.discovery, signal).end();
  expect(await rejection(read)).toMatchObject({ message: "too late" });
  expect(await countFeeds(registrant)).toBe(0);
});

test("who stops reading in the middle of a watch and then leaves, leaves nothing behind", async () => {
  const { server } = await openPlace();
  const registrant = await openRegistrant(server);
  const watcher = await openRegistrant(server, { limits: { streamWindowBytes: 200 } });
  const items = watcher.discovery.watch()[Symbol.asyncIterator]();
  await items.next();
  for (let i = 0; i < 10; i++) await registrant.discovery.register(manyOf(1, i));
  expect(await countFeeds(registrant)).toBe(1);
  await items.return?.();
  await registrant.discovery.list();
  await watcher.discovery.list();
  expect(await countFeeds(registrant)).toBe(0);
});

test("1,000 changes at once are told one by one, and one more as a whole", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  const items = client.watch()[Symbol.asyncIterator]();
  await items.next();
  await client.register(manyOf(1_000));
  const changes = (await items.next()).value as WatchItem;
  expect("changes" in changes && changes.changes.length).toBe(1_000);
  for (const entry of manyOf(1_001, 1_000)) discovery.addRoute(entry);
  const all = (await items.next()).value as WatchItem;
  expect("services" in all && all.services.length).toBe(2_001);
});

test("a watcher that does not read gets all services once instead of each change, and loses nothing", async () => {
  const { server, discovery } = await openPlace();
  const registrant = await openRegistrant(server);
  const watcher = await openRegistrant(server, { limits: { streamWindowBytes: 1_000 } });
  const items = watcher.discovery.watch()[Symbol.asyncIterator]();
  const seen = new Seen((async function* () {})());
  seen.take((await items.next()).value as WatchItem);
  await churn(registrant, 30);
  await registrant.discovery.register([USERS]);
  const isUpToDate = (): boolean => [...seen.services.values()].some(({ api }) => api === "users");
  while (!isUpToDate()) {
    seen.take((await within(items.next(), "an item of the watch")).value as WatchItem);
  }
  expect([...seen.services.values()]).toEqual(discovery.list());
  // The first one, and the one in place of the 3,000 changes.
  expect(seen.snapshots).toBe(2);
  expect(seen.steps.length).toBeLessThan(1_000);
  // From here on it is told each change again.
  await registrant.discovery.register([ORDERS]);
  seen.take((await items.next()).value as WatchItem);
  expect(seen.steps.at(-1)).toBe("added: orders");
});

/** 50 services come and go, so many times; each time in two requests. */
async function churn({ discovery }: Registrant, rounds: number): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await discovery.register(manyOf(50, i));
    await discovery.unregister();
  }
}

test("1,000 services come and go under the eyes of 20 watchers, and each of them sees all of it", async () => {
  const { server, discovery } = await openPlace();
  const watchers = await openWatchers(server, 20);
  const registrants = [await openRegistrant(server), await openRegistrant(server)];
  await Promise.all(
    registrants.map(async ({ discovery: client }, i) => {
      for (let at = 0; at < 500; at += 50) {
        await client.register(manyOf(50, i * 500 + at));
        await client.unregister(`api-${i * 500 + at}`);
      }
    }),
  );
  await registrants[1]?.client.disconnect();
  await until(() => discovery.list().length === 490, "the second half to be gone");
  await registrants[0]?.discovery.register([USERS]);
  const registered = discovery.list().map(keyOf).sort().join();
  for (const seen of watchers) {
    await seen.upTo("added: users");
    expect([...seen.services.keys()].sort().join()).toBe(registered);
  }
});

async function openWatchers(server: IPCServer, count: number): Promise<readonly Seen[]> {
  const watchers: Seen[] = [];
  for (let i = 0; i < count; i++) {
    const controller = new AbortController();
    onTestFinished(() => controller.abort());
    watchers.push(Seen.of((await openRegistrant(server)).discovery, controller.signal));
  }
  for (const seen of watchers) await seen.upTo("all: ");
  return watchers;
}
