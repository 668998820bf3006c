// Registrations belong to the connection that made them: what it adds, what it replaces, and what goes with it.

import { type ClientInfo, IPCClient } from "crosswire";
import { DiscoveryIPC, DiscoveryServer, type ServiceEntry } from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import { clientFrame, RawWebSocket } from "../fixtures/raw-websocket.ts";
import { inbox, rejection, until } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";
import {
  namesOf,
  onSocket,
  openPlace,
  openRegistrant,
  openRelayedRegistrant,
} from "./fixtures/registry-world.ts";

const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/users" };
const USERS_2 = { api: "users", baseUrl: "http://127.0.0.1:4002", pathPrefix: "/users" };
const ORDERS = { api: "orders", baseUrl: "http://127.0.0.1:4003" };

test("a connection that breaks takes its own registrations with it at once, and only them", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const doomed = await openRelayedRegistrant(server);
  const other = await openRegistrant(server);
  await doomed.discovery.register([USERS, ORDERS]);
  await other.discovery.register([USERS_2, ORDERS]);
  discovery.addRoute({ api: "mock", baseUrl: "http://127.0.0.1:4004" });
  // By the time that anybody else is told of the loss, they are gone.
  const left = inbox<string[]>("the loss");
  server.onClientDisconnect(() => left.put(namesOf(discovery.list())));
  doomed.relay.cut();
  expect(await left.next()).toEqual([
    "client-2: users http://127.0.0.1:4002",
    "client-2: orders http://127.0.0.1:4003",
    "by hand: mock http://127.0.0.1:4004",
  ]);
  expect(discovery.matchRoute("/users")).toMatchObject(USERS_2);
});

test("of two owners of one replica the one that leaves does not take the other's", async () => {
  const { server, discovery } = await openPlace();
  const [first, second] = [await openRegistrant(server), await openRegistrant(server)];
  await first.discovery.register([USERS]);
  await second.discovery.register([USERS]);
  expect(discovery.list()).toHaveLength(2);
  expect(await first.discovery.unregister("users", USERS.baseUrl)).toBe(1);
  expect(namesOf(discovery.list())).toEqual(["client-2: users http://127.0.0.1:4001"]);
  await first.discovery.register([USERS]);
  await second.client.disconnect();
  await until(() => discovery.list().length === 1, "the second to be gone");
  expect(namesOf(discovery.list())).toEqual(["client-1: users http://127.0.0.1:4001"]);
  expect(discovery.matchRoute("/users/7")).toMatchObject(USERS);
});

test("the clean exit of one replica leaves the others", async () => {
  const { server, discovery } = await openPlace();
  const [first, second] = [await openRegistrant(server), await openRegistrant(server)];
  await first.discovery.register([USERS]);
  await second.discovery.register([USERS_2]);
  await first.discovery.close();
  expect(namesOf(discovery.list())).toEqual(["client-2: users http://127.0.0.1:4002"]);
  expect(first.client.isConnected()).toBe(true);
});

test("the late end of a superseded connection leaves what its successor registered", async () => {
  const { server, discovery } = await openPlace(
    {},
    { ...onSocket(), limits: { closeGraceMs: 60 } },
  );
  const limits = { closeGraceMs: 60 };
  const older = await openRelayedRegistrant(server, { limits }, "worker");
  await older.discovery.register([USERS, ORDERS]);
  const gone = inbox<ClientInfo>("the end of the older connection");
  server.onClientDisconnect(gone.put);
  older.relay.freeze();
  const newer = await openRegistrant(server, {}, "worker");
  await newer.discovery.register([USERS]);
  expect(discovery.list().filter(({ owner }) => owner === "client-2")).toHaveLength(1);
  expect(await gone.next()).toMatchObject({ clientId: "client-1", runtimeId: "worker" });
  expect(namesOf(discovery.list())).toEqual(["client-2: users http://127.0.0.1:4001"]);
});

test("a connection that hangs loses its registrations as soon as its silence is noticed", async () => {
  const beat = { heartbeatQuietMs: 100, heartbeatReplyMs: 200 };
  const { server, discovery } = await openPlace({}, { ...onSocket(), limits: beat });
  const { relay, discovery: client } = await openRelayedRegistrant(server, {
    limits: { closeGraceMs: 10 },
  });
  await client.register([USERS]);
  relay.freeze();
  await until(() => discovery.list().length === 0, "its registrations to be gone");
  expect(discovery.matchRoute("/users")).toBeUndefined();
});

test("a registration that comes in one packet with the end of its connection leaves no ghost", async () => {
  const { server, discovery } = await openPlace();
  const gone = inbox<ClientInfo>("the end of a connection");
  server.onClientDisconnect(gone.put);
  const watch = discovery.watch(new AbortController().signal);
  await watch.next();
  const { raw } = await RawWebSocket.open(server);
  raw.socket.end(clientFrame(`r:1:discovery/register:${JSON.stringify([USERS])}`));
  await gone.next();
  expect(discovery.list()).toEqual([]);
  const service = { ...USERS, owner: "client-1" };
  expect((await watch.next()).value).toEqual({
    epoch: 0,
    changes: [
      { type: "added", service },
      { type: "removed", service },
    ],
  });
});

test("what is registered twice is registered once, and nobody is told of a change", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  await client.register([USERS, { ...USERS, pathPrefix: "/other" }, USERS]);
  const before = discovery.getRoute("users");
  await client.register([{ ...USERS, baseUrl: `${USERS.baseUrl}/`, pathPrefix: "//users/" }]);
  expect(discovery.list()).toEqual([{ ...USERS, owner: "client-1", pid: process.pid }]);
  expect(discovery.getRoute("users")).toBe(before);
});

test("another pathPrefix of the same replica takes the place of the one before", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  await client.register([USERS]);
  await client.register([{ ...USERS, pathPrefix: "/v2/users" }]);
  expect(discovery.list()).toMatchObject([{ ...USERS, pathPrefix: "/v2/users" }]);
  expect(discovery.matchRoute("/users")).toBeUndefined();
  expect(discovery.matchRoute("/v2/users/1")).toMatchObject({ api: "users" });
  await client.register([{ api: "users", baseUrl: USERS.baseUrl }]);
  expect(discovery.matchRoute("/v2/users/1")).toBeUndefined();
  expect(discovery.getRoute("users")).toMatchObject({ baseUrl: USERS.baseUrl });
  // The prefixes are free again.
  await client.register([{ ...ORDERS, pathPrefix: "/users" }]);
  expect(discovery.matchRoute("/users")).toMatchObject({ api: "orders" });
});

test.each<[string, readonly ServiceEntry[], string]>([
  ["is invalid", [ORDERS, { api: "bad", baseUrl: "nowhere" }], "XW_INVALID"],
  ["has a prefix that is taken", [ORDERS, { ...ORDERS, pathPrefix: "/users" }], "XW_REFUSED"],
  ["is one too many", [ORDERS, { api: "a", baseUrl: "http://a" }], "XW_LIMIT"],
  ["is of another epoch", [ORDERS, { ...USERS_2, epoch: 7 }], "XW_STALE_EPOCH"],
  [
    "has the prefix of another one in the list",
    [
      { ...ORDERS, pathPrefix: "/same" },
      { ...USERS_2, pathPrefix: "/same" },
    ],
    "XW_REFUSED",
  ],
])("nothing of a list is registered when one of its services %s", async (_what, list, code) => {
  const { server, discovery } = await openPlace({ limits: { maxServices: 2 } });
  discovery.addRoute(USERS);
  const before = discovery.list();
  const { discovery: client } = await openRegistrant(server);
  expect(await rejection(client.register(list))).toMatchObject({ code });
  expect(discovery.list()).toEqual(before);
  expect(discovery.matchRoute("/same")).toBeUndefined();
});

test("limits.maxServices counts what is registered, not what is replaced", async () => {
  const { server, discovery } = await openPlace({ limits: { maxServices: 2 } });
  const [first, second] = [await openRegistrant(server), await openRegistrant(server)];
  await first.discovery.register([USERS, USERS, USERS_2]);
  expect(await rejection(second.discovery.register([ORDERS]))).toMatchObject({
    code: "XW_LIMIT",
    message: expect.stringContaining("limits.maxServices (2) are") as string,
  });
  await first.discovery.register([{ ...USERS, pathPrefix: "/v2" }, USERS_2]);
  expect(discovery.list()).toHaveLength(2);
  await first.discovery.unregister("users", USERS.baseUrl);
  await second.discovery.register([ORDERS]);
  expect(() => discovery.addRoute({ api: "mock", baseUrl: "http://mock" })).toThrow("maxServices");
  await first.client.disconnect();
  await until(() => discovery.list().length === 1, "room for more");
  discovery.addRoute({ api: "mock", baseUrl: "http://mock" });
});

test("two apis cannot have one path prefix, and replicas of one api can", async () => {
  const { server, discovery } = await openPlace();
  const [first, second] = [await openRegistrant(server), await openRegistrant(server)];
  await first.discovery.register([USERS]);
  await second.discovery.register([USERS_2]);
  const error = await rejection(second.discovery.register([{ ...ORDERS, pathPrefix: "/users/" }]));
  expect(error).toMatchObject({ code: "XW_REFUSED" });
  expect(String(error)).toContain(
    'The path prefix "/users" of "orders" is taken by "users", of another process. ' +
      "Choose another prefix, or unregister that one first.",
  );
  await first.discovery.unregister();
  await rejection(first.discovery.register([{ ...ORDERS, pathPrefix: "/users" }]));
  await second.discovery.unregister();
  await first.discovery.register([{ ...ORDERS, pathPrefix: "/users" }]);
  expect(discovery.matchRoute("/users")).toMatchObject({ api: "orders" });
});

test("unregister() takes away all replicas of its connection, those of one api, or one", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  await client.register([USERS, USERS_2, ORDERS]);
  expect(await client.unregister("users", `${USERS.baseUrl}/`)).toBe(1);
  expect(await client.unregister("users", USERS.baseUrl)).toBe(0);
  expect(discovery.list()).toMatchObject([USERS_2, ORDERS]);
  await client.register([USERS]);
  expect(await client.unregister("users")).toBe(2);
  expect(await client.unregister("nobody")).toBe(0);
  await client.register([USERS]);
  expect(await client.unregister(undefined, ORDERS.baseUrl)).toBe(1);
  expect(await client.unregister()).toBe(1);
  expect(discovery.list()).toEqual([]);
});

test("nobody can unregister what is another's, and the routes added by hand are nobody's", async () => {
  const { server, discovery } = await openPlace();
  const [first, second] = [await openRegistrant(server), await openRegistrant(server)];
  await first.discovery.register([USERS]);
  discovery.addRoute(ORDERS);
  expect(await second.discovery.unregister("users")).toBe(0);
  expect(await second.discovery.unregister()).toBe(0);
  expect(discovery.removeRoute("users")).toBe(false);
  expect(namesOf(discovery.list())).toEqual([
    "client-1: users http://127.0.0.1:4001",
    "by hand: orders http://127.0.0.1:4003",
  ]);
});

test("a client that was connected before there was a discovery can register, and leaves with its own", async () => {
  const server = await openServer();
  const { client, discovery: registrant } = await openRegistrant(server);
  await until(() => server.clients().length === 1, "the server to know its client");
  const discovery = new DiscoveryServer(server);
  onTestFinished(() => discovery.close());
  await registrant.register([USERS]);
  expect(discovery.list()).toEqual([{ ...USERS, owner: "client-1", pid: process.pid }]);
  await client.disconnect();
  await until(() => discovery.list().length === 0, "its registrations to be gone");
});

test("a closed discovery answers nobody, routes nothing and ends its watches", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  await client.register([USERS]);
  const watch = client.watch()[Symbol.asyncIterator]();
  await watch.next();
  discovery.close();
  expect(await watch.next()).toMatchObject({ done: true });
  expect(await rejection(client.discoverApi("users"))).toMatchObject({ code: "XW_NO_HANDLER" });
  expect((await fetch(`${server.getUrl()}/users`)).status).toBe(404);
  // The connections are the server's, not its own.
  expect(server.clients()).toHaveLength(1);
});

test("a list of 1,000 services is registered and looked up", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  const many = Array.from({ length: 1_000 }, (_, i) => ({
    api: `api-${i}`,
    baseUrl: `http://127.0.0.1:${i + 1}`,
    pathPrefix: `/api/${i}`,
  }));
  await client.register(many);
  expect(await client.list()).toHaveLength(1_000);
  expect(discovery.matchRoute("/api/999/x")).toMatchObject({ api: "api-999" });
  expect(await client.unregister()).toBe(1_000);
  await rejection(client.register([...many, USERS]));
  expect(discovery.list()).toEqual([]);
});

test("a member brings all its services to a new leader, however many requests they came in", async () => {
  const { server, discovery } = await openPlace();
  const identity = { instanceId: "leader", pid: 1, url: server.getUrl(), startedAt: 0 };
  discovery.lead({ name: "group", identity, epoch: 7, expected: [], remember: () => {} });
  const { client, discovery: member } = await openRegistrant(server);
  const services = Array.from({ length: 1_001 }, (_, i) => ({
    ...USERS,
    baseUrl: `http://a:${i + 1}`,
  }));
  const request = { name: "group", instanceId: "member", pid: 2, knownEpoch: 3, services };
  const { join } = DiscoveryIPC.discoveryServer;
  expect(await client.sendFrameworkRequest(join, request)).toMatchObject({
    success: true,
    epoch: 7,
    refused: [],
  });
  expect(await member.unregister()).toBe(1_001);
});

test("a member cannot join under a name that is not its own to choose", async () => {
  const { server, discovery } = await openPlace();
  const identity = { instanceId: "leader", pid: 1, url: server.getUrl(), startedAt: 0 };
  discovery.lead({ name: "group", identity, epoch: 1, expected: [], remember: () => {} });
  const [owner, other] = [await openRegistrant(server), await openRegistrant(server)];
  await owner.discovery.register([USERS]);
  discovery.addRoute(ORDERS);
  const before = discovery.list();
  for (const instanceId of ["client-1", "by hand", "", "a\nb", "x".repeat(65), 7 as never]) {
    const request = { name: "group", instanceId, pid: 2, knownEpoch: 0, services: [] };
    const joined = other.client.sendFrameworkRequest(DiscoveryIPC.discoveryServer.join, request);
    expect(await rejection(joined)).toMatchObject({ detail: { code: "XW_INVALID" } });
  }
  expect(discovery.list()).toEqual(before);
});

test("the client of another server is not one of this discovery", async () => {
  const { discovery } = await openPlace();
  const other = await openServer();
  const client = new IPCClient(other.getUrl());
  onTestFinished(() => client.disconnect());
  await client.connect();
  const { discovery: registrant } = await openRegistrant(other);
  expect(await rejection(registrant.register([USERS]))).toMatchObject({ code: "XW_NO_HANDLER" });
  expect(discovery.list()).toEqual([]);
});
