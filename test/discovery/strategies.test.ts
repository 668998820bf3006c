// Which of several replicas gets the next request.

import { type IPCClient, IPCServer } from "crosswire";
import { DiscoveryServer, type DiscoveryServerOptions, type Strategy } from "crosswire/discovery";
import { expect, onTestFinished, test, vi } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { type Deferred, deferred, until } from "../fixtures/wait.ts";
import { type App, echoOf, openApp } from "../proxy/apps.ts";
import { ask, begin, openSocket } from "../proxy/world.ts";
import { openPlace, openRegistrant, type Place } from "./fixtures/registry-world.ts";

const PATH = { api: "app", pathPrefix: "/app" };

interface Replicas extends Place {
  readonly apps: readonly App[];
  /** The connections that registered them. */
  readonly clients: readonly IPCClient[];
  /** Which one answers the next request. */
  readonly next: () => Promise<string>;
}

/** Replicas "0", "1" … of one api, registered in this order by one connection each. */
async function openReplicas(options: DiscoveryServerOptions, count = 2): Promise<Replicas> {
  const place = await openPlace(options);
  const apps: App[] = [];
  const clients: IPCClient[] = [];
  for (let i = 0; i < count; i++) {
    const app = await openApp(String(i));
    const { client, discovery } = await openRegistrant(place.server);
    await discovery.register([{ ...PATH, baseUrl: app.url }]);
    apps.push(app);
    clients.push(client);
  }
  const next = async (): Promise<string> => echoOf(await ask(`${place.url}/app`)).app;
  return { ...place, apps, clients, next };
}

async function times(count: number, next: () => Promise<string> | string): Promise<string> {
  let seen = "";
  for (let i = 0; i < count; i++) seen += await next();
  return seen;
}

test("round-robin, the default, asks one after the other", async () => {
  const { next } = await openReplicas({}, 3);
  expect(await times(7, next)).toBe("0120120");
});

test("who looks up before each request gets to all replicas, and so do the requests", async () => {
  const { server, next, apps } = await openReplicas({ strategy: "round-robin" });
  const { discovery: client } = await openRegistrant(server);
  const found: string[] = [];
  const lookUpAndAsk = async (): Promise<string> => {
    const result = await client.discoverApi("app");
    found.push(result.success ? result.baseUrl : result.error);
    return next();
  };
  expect(await times(4, lookUpAndAsk)).toBe("0101");
  const [first, second] = apps.map(({ url }) => url);
  expect(found).toEqual([first, second, first, second]);
});

test("two prefixes of one api do not take each other's turns", async () => {
  const { discovery } = await openPlace();
  for (const [prefix, port] of [
    ["/a", 1],
    ["/a", 2],
    ["/b", 3],
    ["/b", 4],
  ] as const)
    discovery.addRoute({ api: "app", baseUrl: `http://a:${port}`, pathPrefix: prefix });
  // What is added by hand takes the traffic of the whole api, whatever the prefix.
  const seen = await times(8, () => discovery.matchRoute("/a")?.baseUrl.at(-1) ?? "none");
  expect(seen).toBe("12341234");
});

test("replicas of another prefix are not asked", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  for (const [pathPrefix, port] of [
    ["/a", 1],
    ["/a", 2],
    ["/b", 3],
    ["/b", 4],
  ] as const)
    await client.register([{ api: "app", baseUrl: `http://a:${port}`, pathPrefix }]);
  const next = (): string =>
    `${discovery.matchRoute("/a")?.baseUrl.at(-1)}${discovery.matchRoute("/b")?.baseUrl.at(-1)}`;
  expect(await times(4, next)).toBe("13241324");
  expect(await times(4, () => discovery.getRoute("app")?.baseUrl.at(-1) ?? "none")).toBe("1234");
});

test("a replica that comes has its turn next, and one that leaves has none", async () => {
  const { server, next } = await openReplicas({});
  expect(await times(3, next)).toBe("010");
  const third = await openApp("2");
  const { client, discovery } = await openRegistrant(server);
  await discovery.register([{ ...PATH, baseUrl: third.url }]);
  expect(await times(4, next)).toBe("2102");
  await client.disconnect();
  await until(() => server.clients().length === 2, "the third to be gone");
  expect(await times(4, next)).toBe("1010");
});

test("first asks the one that was registered first, as long as it is there", async () => {
  const { clients, next, discovery } = await openReplicas({ strategy: "first" });
  expect(await times(3, next)).toBe("000");
  await clients[0]?.disconnect();
  await until(() => discovery.list().length === 1, "the first to be gone");
  expect(await times(3, next)).toBe("111");
});

test("random asks all of them, in no order", async () => {
  const { discovery } = await openPlace({ strategy: "random" });
  for (const port of [1, 2, 3])
    discovery.addRoute({ api: "app", baseUrl: `http://a:${port}`, pathPrefix: "/app" });
  const seen = await times(100, () => discovery.matchRoute("/app")?.baseUrl.at(-1) ?? "none");
  // Each is missing once in 10^17 runs.
  for (const port of ["1", "2", "3"]) expect(seen).toContain(port);
  expect(seen).not.toContain("123".repeat(10));
});

test("random does not depend on the chance that a test has faked", async () => {
  const { discovery } = await openPlace({ strategy: "random" });
  for (const port of [1, 2])
    discovery.addRoute({ api: "app", baseUrl: `http://a:${port}`, pathPrefix: "/app" });
  vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  const seen = await times(100, () => discovery.getRoute("app")?.baseUrl.at(-1) ?? "none");
  expect([seen.includes("1"), seen.includes("2")]).toEqual([true, true]);
});

test("least-connections asks the replica with the fewest open WebSockets", async () => {
  const { url, next, apps } = await openReplicas({ strategy: "least-connections" });
  expect(await times(4, next)).toBe("0101");
  const first = await openSocket(`${url}/app/live`);
  expect(await first.messages.next()).toBe("0 /app/live");
  expect(await times(3, next)).toBe("111");
  const second = await openSocket(`${url}/app/live`);
  expect(await second.messages.next()).toBe("1 /app/live");
  const third = await openSocket(`${url}/app/live`);
  const [busy] = (await third.messages.next()).split(" ");
  const idle = busy === "0" ? "1" : "0";
  expect(await times(2, next)).toBe(idle.repeat(2));
  // Whoever cuts its connection is counted out like whoever closes it.
  first.ws.terminate();
  second.ws.close();
  third.ws.terminate();
  await until(() => apps.every(({ sockets }) => sockets === 0), "the WebSockets to end");
  await untilInTurns(next);
});

/** As many of each: as it is when nothing is open. */
async function untilInTurns(next: () => Promise<string>): Promise<void> {
  for (let i = 0; i < 50; i++) {
    if (/^(01|10)\1\1$/.test(await times(6, next))) return;
  }
  throw new Error("The replicas do not take turns although nothing is open.");
}

interface SlowOrigin {
  readonly name: string;
  readonly waiting: Deferred<void>[];
}

test("least-connections counts responses until their end, however they end", async () => {
  const { server, url } = await openPlace({ strategy: "least-connections" });
  const origins: SlowOrigin[] = [];
  for (const name of ["0", "1"]) {
    const waiting: Deferred<void>[] = [];
    const { url: baseUrl } = await openHttpOrigin((request, response) => {
      response.on("error", () => {}).write(name);
      if (request.url === "/app/cut") return void setImmediate(() => response.destroy());
      if (request.url !== "/app/slow") return void response.end();
      const held = deferred();
      waiting.push(held);
      void held.promise.then(() => response.end());
    });
    const { discovery } = await openRegistrant(server);
    await discovery.register([{ ...PATH, baseUrl }]);
    origins.push({ name, waiting });
  }
  const [first, second] = origins as [SlowOrigin, SlowOrigin];
  const next = async (): Promise<string> => (await ask(`${url}/app`)).body;

  // One response that goes on for long.
  const slow = ask(`${url}/app/slow`);
  await until(() => first.waiting.length === 1, "the slow response to begin");
  expect(await times(3, next)).toBe("111");
  first.waiting.shift()?.resolve();
  expect((await slow).body).toBe("0");
  await untilInTurns(next);

  // Four that their clients give up, and two that break.
  const requests = Array.from({ length: 4 }, () => begin(`${url}/app/slow`));
  for (const request of requests) request.on("error", () => {}).end();
  await until(() => first.waiting.length + second.waiting.length === 4, "all four to begin");
  expect([first.waiting.length, second.waiting.length]).toEqual([2, 2]);
  for (const request of requests) request.destroy();
  for (let i = 0; i < 3; i++) await ask(`${url}/app/cut`).catch(() => {});
  await untilInTurns(next);
  for (const { waiting } of origins) for (const held of waiting) held.resolve();
});

test("a replica that is down does not count as busy for ever", async () => {
  const { apps, url, next } = await openReplicas({ strategy: "least-connections" });
  await apps[0]?.close();
  const seen: number[] = [];
  for (let i = 0; i < 4; i++) seen.push((await ask(`${url}/app`)).status);
  expect(seen).toEqual([502, 200, 502, 200]);
  await expect(openSocket(`${url}/app`)).rejects.toThrow("502");
  expect(await next()).toBe("1");
});

test("another strategy is refused", () => {
  const server = new IPCServer(0);
  expect(() => new DiscoveryServer(server, { strategy: "fastest" as Strategy })).toThrow(
    new TypeError(
      "strategy must be one of round-robin, first, random, least-connections, not fastest.",
    ),
  );
});
