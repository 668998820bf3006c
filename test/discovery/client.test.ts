// The side that registers and looks up: what it is told, and what it does by itself when its connection is back.

import { IPCClient, IPCServer } from "crosswire";
import { DiscoveryClient, DiscoveryIPC, DiscoveryServer } from "crosswire/discovery";
import { expect, onTestFinished, test, vi } from "vitest";
import { deferred, nextWarning, rejection, until, within } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";
import { socketPathFor } from "../public/relay.ts";
import {
  namesOf,
  onSocket,
  openPlace,
  openRegistrant,
  openRelayedRegistrant,
} from "./fixtures/registry-world.ts";

const USERS = { api: "users", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/users" };
const USERS_2 = { ...USERS, baseUrl: "http://127.0.0.1:4002" };
const ORDERS = { api: "orders", baseUrl: "http://127.0.0.1:4003", pathPrefix: "/orders" };
const FAST = { reconnect: { initialDelayMs: 5, maxDelayMs: 20 } };

test("a lookup tells where the leader is and where the replica whose turn it is", async () => {
  const { server } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  await client.register([USERS, USERS_2, { api: "plain", baseUrl: "http://127.0.0.1:4004" }]);
  const url = server.getUrl();
  const results = [
    await client.discoverApi("users"),
    await client.discoverApi("users"),
    await client.discoverApi("plain"),
  ];
  expect(results).toEqual([
    { success: true, url, baseUrl: USERS.baseUrl, epoch: 0 },
    { success: true, url, baseUrl: USERS_2.baseUrl, epoch: 0 },
    { success: true, url, baseUrl: "http://127.0.0.1:4004", epoch: 0 },
  ]);
});

test("a lookup of what nobody serves names what there is", async () => {
  const { server, discovery } = await openPlace();
  const { discovery: client } = await openRegistrant(server);
  const errorOf = async (api: string): Promise<string> => {
    const result = await client.discoverApi(api);
    expect(result).toMatchObject({ success: false, retryable: false });
    return result.success ? "" : result.error;
  };
  expect(await errorOf("users")).toBe(
    'Service not registered: nobody serves "users"; nothing is registered.',
  );
  await client.register([USERS, USERS_2, ORDERS]);
  expect(await errorOf("user")).toBe(
    'Service not registered: nobody serves "user"; registered are "users", "orders".',
  );
  for (let i = 0; i < 11; i++) discovery.addRoute({ api: `api-${i}`, baseUrl: "http://a" });
  expect(await errorOf('"')).toMatch(
    /nobody serves "\\""; registered are "users", "orders", ("api-\d", ){7}"api-7" and 3 more\.$/,
  );
});

test("what the server refused reads as if it had been thrown here", async () => {
  const { server } = await openPlace({ limits: { maxServices: 1 } });
  const { discovery: client } = await openRegistrant(server);
  const error = await rejection(client.register([USERS, ORDERS]));
  expect(error).toMatchObject({ code: "XW_LIMIT", cause: { code: "XW_REMOTE" } });
  expect(await rejection(client.register([{ ...USERS, epoch: 3 }]))).toMatchObject({
    code: "XW_STALE_EPOCH",
    detail: { epoch: 0 },
    message: expect.stringContaining("was registered for epoch 3, but this is epoch 0") as string,
  });
  // What is no error of ours stays what it is.
  server.onFrameworkMessage(DiscoveryIPC.discoveryServer.register, () => {
    throw Object.assign(new Error("the disk is full"), { code: "ENOSPC" });
  });
  expect(await rejection(client.register([USERS]))).toMatchObject({
    code: "XW_REMOTE",
    detail: { code: "ENOSPC" },
  });
});

test("a server without a discovery, and one that is gone, are told as such", async () => {
  const server = await openServer();
  const { client, discovery } = await openRegistrant(server);
  expect(await rejection(discovery.register([USERS]))).toMatchObject({ code: "XW_NO_HANDLER" });
  await client.disconnect();
  for (const ask of [
    () => discovery.register([USERS]),
    () => discovery.unregister(),
    () => discovery.discoverApi("users"),
    () => discovery.list(),
    () => discovery.watch()[Symbol.asyncIterator]().next(),
  ])
    expect(await rejection(ask())).toMatchObject({ code: "XW_CLOSED", maybeDelivered: false });
  await discovery.close();
});

test("a plain client may unregister without saying what: everything", async () => {
  const { server, discovery } = await openPlace();
  const { client, discovery: registrant } = await openRegistrant(server);
  await registrant.register([USERS, ORDERS]);
  const { unregister } = DiscoveryIPC.discoveryServer;
  expect(await client.sendFrameworkRequest(unregister, undefined as never)).toBe(2);
  expect(discovery.list()).toEqual([]);
});

test("a client that reconnects registers again by itself, what it has not taken back", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, discovery: client } = await openRelayedRegistrant(server, FAST);
  await client.register([USERS, USERS_2, ORDERS]);
  await client.register([{ ...USERS, pathPrefix: "/v2", epoch: 0 }]);
  await client.unregister("users", `${USERS_2.baseUrl}/`);
  relay.cut();
  await until(() => namesOf(discovery.list())[0]?.startsWith("client-2"), "it to be back");
  expect(discovery.list()).toMatchObject([
    { ...USERS, pathPrefix: "/v2", owner: "client-2" },
    { ...ORDERS, owner: "client-2" },
  ]);
  await client.close();
  expect(discovery.list()).toEqual([]);
  relay.cut();
  await until(() => server.clients()[0]?.clientId === "client-3", "it to be back once more");
  await client.list();
  expect(discovery.list()).toEqual([]);
});

test("what was decided under an epoch is registered again under the next one", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, discovery: client } = await openRelayedRegistrant(server, FAST);
  await client.register([{ ...USERS, epoch: 0 }]);
  const identity = { instanceId: "leader", pid: 1, url: server.getUrl(), startedAt: 0 };
  discovery.lead({ name: "group", identity, epoch: 5, expected: [], remember: () => {} });
  relay.cut();
  await until(() => namesOf(discovery.list())[0]?.startsWith("client-2"), "it to be back");
  expect(await client.discoverApi("users")).toMatchObject({ success: true, epoch: 5 });
});

test("a client that was closed while it was cut off is not registered again", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, client, discovery: closed } = await openRelayedRegistrant(server, FAST);
  const open = new DiscoveryClient(client);
  await closed.register([USERS]);
  await open.register([ORDERS]);
  await relay.down();
  await until(() => discovery.list().length === 0, "the loss");
  await closed.close();
  await relay.up();
  // It comes second, so what the first one registered would be there by then.
  await until(() => discovery.list().length > 0, "the other one to be back");
  expect(discovery.list()).toMatchObject([ORDERS]);
});

test("more services than one request takes are registered again all the same", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, discovery: client } = await openRelayedRegistrant(server, FAST);
  const many = Array.from({ length: 1_001 }, (_, i) => ({
    ...USERS,
    baseUrl: `http://a:${i + 1}`,
  }));
  await client.register(many.slice(0, 1_000));
  await client.register(many.slice(1_000));
  relay.cut();
  await until(() => discovery.list().length === 0, "the loss");
  const requests = vi.spyOn(discovery, "register");
  await until(() => discovery.list().length === 1_001, "all services to be back");
  expect(requests).toHaveBeenCalledTimes(2);
  expect(discovery.list()).toMatchObject(many.map((entry) => ({ ...entry, owner: "client-2" })));
});

test("after a restart of the server on its port, everybody who reconnects is registered again", async () => {
  const first = await openPlace();
  const port = first.server.getPort();
  const registrants = [
    await openRegistrant(first.server, FAST),
    await openRegistrant(first.server, FAST),
  ];
  await registrants[0]?.discovery.register([USERS]);
  await registrants[1]?.discovery.register([USERS_2, ORDERS]);
  await first.server.close();
  const second = await openPlace({}, {}, port);
  // A lookup may be made while nobody is there.
  await registrants[0]?.discovery.discoverApi("orders");
  await until(() => second.discovery.list().length === 3, "all services to be back");
  const found = second.discovery.list().map(({ baseUrl }) => baseUrl);
  expect(new Set(found)).toEqual(new Set([USERS.baseUrl, USERS_2.baseUrl, ORDERS.baseUrl]));
});

test("a register() that the connection was lost over comes through when it is back", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, discovery: client } = await openRelayedRegistrant(server, FAST);
  await relay.down();
  const registered = client.register([USERS]);
  await relay.up();
  await registered;
  expect(discovery.list()).toMatchObject([USERS]);
});

test("what others took meanwhile costs only itself, with a warning", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, discovery: client } = await openRelayedRegistrant(server, FAST);
  await client.register([USERS, ORDERS]);
  await relay.down();
  await until(() => discovery.list().length === 0, "the loss");
  discovery.addRoute({ api: "other", baseUrl: "http://other", pathPrefix: "/users" });
  const warned = nextWarning();
  await relay.up();
  expect((await warned).message).toContain('The path prefix "/users" of "users" is taken');
  await until(() => discovery.list().length === 2, "the rest to be registered again");
  expect(discovery.list()).toMatchObject([{ api: "other" }, ORDERS]);
});

test("who disconnects while it is being registered again is not warned", async () => {
  const { server } = await openPlace({}, onSocket());
  const { relay, client, discovery } = await openRelayedRegistrant(server, FAST);
  await discovery.register([USERS, ORDERS]);
  const asked = deferred();
  server.onFrameworkMessage(DiscoveryIPC.discoveryServer.register, () => {
    asked.resolve();
    return new Promise<void>(() => {});
  });
  relay.cut();
  await within(asked.promise, "the attempt to register again");
  await client.disconnect();
  // test/setup.ts fails a test for a warning.
  await until(() => server.clients().length === 0, "the client to be gone");
});

test("without `reconnect` nothing is registered behind the back of whoever connects again", async () => {
  const { server, discovery } = await openPlace({}, onSocket());
  const { relay, client, discovery: registrant } = await openRelayedRegistrant(server);
  await registrant.register([USERS]);
  relay.cut();
  await until(() => !client.isConnected(), "the loss");
  await client.connect();
  expect(await registrant.list()).toEqual([]);
  await registrant.register([USERS]);
  expect(discovery.list()).toMatchObject([{ ...USERS, owner: "client-2" }]);
});

test("two discoveries of one client do not disturb each other", async () => {
  const { server, discovery } = await openPlace();
  const { client, discovery: first } = await openRegistrant(server);
  const second = new DiscoveryClient(client);
  await first.register([USERS]);
  await second.close();
  expect(discovery.list()).toMatchObject([USERS]);
  await first.close();
  await first.close();
  expect(discovery.list()).toEqual([]);
});

test("a discovery can be set up before its server starts", async () => {
  const server = new IPCServer(0, { socketPath: socketPathFor("server") });
  onTestFinished(() => server.close({ graceMs: 0 }));
  const discovery = new DiscoveryServer(server);
  discovery.addRoute(USERS);
  expect(discovery.discoverApi("users")).toMatchObject({ url: "" });
  await server.start();
  const client = new IPCClient(server.getUrl());
  onTestFinished(() => client.disconnect());
  await client.connect();
  expect(await new DiscoveryClient(client).discoverApi("users")).toMatchObject({
    success: true,
    url: server.getUrl(),
  });
});
