// The life of a connection: how it begins, who is told when it ends, and that nothing is left of it.

import { type ClientInfo, IPCClient, IPCServer, type Loss } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { deferred, inbox, rejection, until } from "../fixtures/wait.ts";
import { startChild } from "./child.ts";
import { createClient, openClient, openPair, openServer, WORKER } from "./pair.ts";

const greet = IPCClient.defineRequest<string, string>("connection/greet");
const ask = IPCServer.defineRequest<string, string>("connection/ask");
const note = IPCServer.defineMessage<number>("connection/note");

test("handlers may be registered before connect() and before start()", async () => {
  const server = new IPCServer(0);
  onTestFinished(() => server.close());
  server.onFrameworkMessage(ask, (text) => `${text}?`);
  await server.start();
  const client = createClient(server);
  client.onFrameworkRequest(greet, (name) => `Hello ${name}`);
  await client.connect(WORKER);
  expect(await client.sendFrameworkRequest(ask, "early")).toBe("early?");
  expect(await server.sendFrameworkMessage(WORKER, greet, "you")).toBe("Hello you");
});

test("the server knows a client as soon as its connect() has resolved", async () => {
  const server = await openServer();
  for (let n = 0; n < 10; n++) {
    const client = createClient(server);
    await client.connect(`client-of-test-${n}`);
    expect(server.clients()).toHaveLength(n + 1);
  }
});

test("two connects at once are one", async () => {
  const server = await openServer();
  const arrivals: ClientInfo[] = [];
  server.onClientConnect((info) => void arrivals.push(info));
  const client = createClient(server);
  await Promise.all([client.connect(WORKER), client.connect(WORKER), client.connect()]);
  await client.connect();
  server.onFrameworkMessage(ask, (text) => text);
  await client.sendFrameworkRequest(ask, "round trip");
  expect(arrivals.map(({ runtimeId }) => runtimeId)).toEqual([WORKER]);
});

test("connect() under another runtimeId is refused while connected", async () => {
  const { client } = await openPair();
  const error = await rejection(client.connect("other"));
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toContain('connected as "worker-1"; disconnect() first');
});

test("a client may connect again after disconnect(), also under another runtimeId", async () => {
  const { server, client } = await openPair();
  client.onFrameworkRequest(greet, (name) => `Hello ${name}`);
  await client.disconnect();
  expect(client.isConnected()).toBe(false);
  await client.connect("second-life");
  expect(client.isConnected()).toBe(true);
  await until(() => server.clients().some((info) => info.runtimeId === "second-life"));
  expect(await server.sendFrameworkMessage("second-life", greet, "you")).toBe("Hello you");
});

test("the server tells who came and who went", async () => {
  const server = await openServer();
  const came = inbox<ClientInfo>();
  const gone = inbox<ClientInfo>();
  server.onClientConnect(came.put);
  server.onClientDisconnect(gone.put);
  const client = createClient(server, { name: "tester" });
  const before = Date.now();
  await client.connect(WORKER);
  const info = await came.next();
  expect(info).toEqual({
    clientId: expect.any(String) as string,
    runtimeId: WORKER,
    pid: process.pid,
    name: "tester",
    connectedAt: expect.any(Number) as number,
  });
  expect(info.connectedAt).toBeGreaterThanOrEqual(before);
  expect(server.clients()).toEqual([info]);
  await client.disconnect();
  expect(await gone.next()).toEqual(info);
  expect(server.clients()).toEqual([]);
});

test("a client without a runtimeId is reached by its clientId", async () => {
  const server = await openServer();
  const client = await openClient(server);
  client.onFrameworkRequest(greet, (name) => `Hello ${name}`);
  const [info] = server.clients();
  expect(info?.runtimeId).toBeUndefined();
  expect(await server.sendFrameworkMessage(info?.clientId ?? "", greet, "you")).toBe("Hello you");
});

test("onClose tells the client why its server is gone", async () => {
  const { server, client } = await openPair();
  const losses = inbox<Loss>();
  client.onClose(losses.put);
  await server.close();
  const { error, willReconnect } = await losses.next();
  expect(error).toMatchObject({
    code: "XW_CONNECTION_LOST",
    message: expect.stringContaining("the server is closing") as string,
  });
  expect(willReconnect).toBe(false);
  expect(client.isConnected()).toBe(false);
  await expect(client.sendFrameworkRequest(ask, "x")).rejects.toMatchObject({
    code: "XW_CONNECTION_LOST",
    maybeDelivered: false,
  });
  expect(losses.waiting).toEqual([]);
});

test("onClose is not called for one's own disconnect()", async () => {
  const { server, client } = await openPair();
  const losses: Loss[] = [];
  client.onClose((loss) => void losses.push(loss));
  const gone = until(() => server.clients().length === 0, "the client to be gone");
  await client.disconnect();
  await gone;
  expect(losses).toEqual([]);
});

test("an undone onClose is not called", async () => {
  const { server, client } = await openPair();
  const heard = inbox<string>();
  client.onClose(() => heard.put("undone"))();
  client.onClose(() => heard.put("kept"));
  await server.close();
  expect(await heard.next()).toBe("kept");
  expect(heard.waiting).toEqual([]);
});

test("disconnect() lets every message that was sent arrive", async () => {
  const { server, client } = await openPair();
  const heard: number[] = [];
  server.onMessage(note, (n) => void heard.push(n));
  const gone = deferred();
  server.onClientDisconnect(() => gone.resolve());
  for (let n = 0; n < 5_000; n++) client.sendMessage(note, n);
  await client.disconnect();
  await gone.promise;
  expect(heard).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
});

test("disconnect() rejects the calls in flight at once, unless it is given time", async () => {
  const { server, client } = await openPair();
  const entered = inbox<() => void>();
  server.onFrameworkMessage(ask, async (text) => {
    const released = deferred();
    entered.put(released.resolve);
    await released.promise;
    return text;
  });
  const call = client.sendFrameworkRequest(ask, "patience");
  const release = await entered.next();
  const closing = client.disconnect({ graceMs: 5_000 });
  release();
  expect(await call).toBe("patience");
  await closing;

  await client.connect();
  const cut = rejection(client.sendFrameworkRequest(ask, "haste"));
  await entered.next();
  await client.disconnect();
  expect(await cut).toMatchObject({ code: "XW_CLOSED", maybeDelivered: true });
});

test("a closing server lets calls in flight finish and takes no new ones", async () => {
  const { server, client } = await openPair();
  const entered = deferred();
  const release = deferred();
  server.onFrameworkMessage(ask, async (text) => {
    entered.resolve();
    await release.promise;
    return `${text}!`;
  });
  client.onFrameworkRequest(greet, async (name) => {
    await release.promise;
    return `Hello ${name}`;
  });
  const answers = Promise.all([
    client.sendFrameworkRequest(ask, "in flight"),
    server.sendFrameworkMessage(WORKER, greet, "you"),
  ]);
  await entered.promise;

  const address = server.getUrl();
  const closed = server.close({ graceMs: 10_000 });
  const refusals = await Promise.all([
    rejection(client.sendFrameworkRequest(ask, "too late")),
    rejection(new IPCClient(address).connect()),
  ]);
  release.resolve();

  expect(await answers).toEqual(["in flight!", "Hello you"]);
  await closed;
  expect(client.isConnected()).toBe(false);
  // Refused means not run: it may be sent again, to whoever comes next.
  expect(refusals).toMatchObject([
    { code: "XW_CLOSED", maybeDelivered: false },
    { code: "XW_UNREACHABLE" },
  ]);
});

test("a closing server ends what does not finish in its grace", async () => {
  const { server, client } = await openPair();
  const entered = deferred();
  const aborted = deferred<unknown>();
  server.onFrameworkMessage(ask, async (_, { signal }) => {
    entered.resolve();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    aborted.resolve(signal.reason);
    return "nobody hears this";
  });
  const failure = rejection(client.sendFrameworkRequest(ask, "slow", Infinity));
  await entered.promise;
  await server.close({ graceMs: 20 });
  expect(await failure).toMatchObject({ code: "XW_CONNECTION_LOST", maybeDelivered: true });
  expect(await aborted.promise).toMatchObject({ code: "XW_CLOSED" });
});

test("close() may be called twice, and before start()", async () => {
  const server = new IPCServer(0);
  await Promise.all([server.close(), server.close()]);
  await expect(server.start()).rejects.toMatchObject({ code: "XW_CLOSED" });
});

test("server and client are disposable", async () => {
  let address = "";
  {
    await using server = new IPCServer(0);
    await server.start();
    address = server.getUrl();
    await using client = new IPCClient(address);
    await client.connect();
    expect(client.isConnected()).toBe(true);
  }
  await expect(new IPCClient(address).connect()).rejects.toMatchObject({ code: "XW_UNREACHABLE" });
});

test.each([
  "after calls and streams",
  "with calls and streams open",
  "when only the server is closed",
  "when nobody ever connected",
  "after a refused connection",
  "after a connection attempt that timed out",
  "in the middle of reconnecting",
  "with sockets over memory",
])("a process ends by itself once all is closed: %s", async (scenario) => {
  const child = startChild("use-and-close.ts", [scenario]);
  expect(await child.ended).toBe(0);
  expect(child.output).toEqual({ stdout: "closed\n", stderr: "" });
});
