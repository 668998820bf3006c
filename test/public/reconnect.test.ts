// Connections that break: what comes back by itself, what is sent again, and what never runs twice.

import { IPCClient, IPCServer, type Loss } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { deferred, inbox, rejection, until } from "../fixtures/wait.ts";
import { WORKER } from "./pair.ts";
import { openRelayed, socketPathFor } from "./relay.ts";

const FAST = { reconnect: { initialDelayMs: 5, maxDelayMs: 20 } };

const greet = IPCClient.defineRequest<string, string>("reconnect/greet");
const ask = IPCServer.defineRequest<string, string>("reconnect/ask");
const askAgain = IPCServer.defineRequest<string, string>("reconnect/idempotent", {
  idempotent: true,
});

/** A handler that keeps the first call waiting until the test lets it go, and counts its runs. */
function slowFirst(): {
  readonly handler: (text: string) => Promise<string>;
  readonly entered: Promise<void>;
  readonly release: () => void;
  readonly runs: () => number;
} {
  const entered = deferred();
  const release = deferred();
  let runs = 0;
  return {
    entered: entered.promise,
    release: () => release.resolve(),
    runs: () => runs,
    async handler(text) {
      const run = ++runs;
      entered.resolve();
      if (run === 1) await release.promise;
      return `${text}, run ${run}`;
    },
  };
}

test("a client comes back under its runtimeId, with its handlers", async () => {
  const { relay, server, client } = await openRelayed(FAST);
  client.onFrameworkRequest(greet, (name) => `Hello ${name}`);
  const losses = inbox<Loss>();
  const back = deferred();
  client.onClose(losses.put);
  client.onReconnect(() => back.resolve());
  expect(await server.sendFrameworkMessage(WORKER, greet, "before")).toBe("Hello before");

  relay.cut();
  expect(await losses.next()).toMatchObject({
    willReconnect: true,
    error: { code: "XW_CONNECTION_LOST" },
  });
  await back.promise;

  expect(client.isConnected()).toBe(true);
  await until(() => server.clients().length === 1, "the server to know the client again");
  expect(await server.sendFrameworkMessage(WORKER, greet, "after")).toBe("Hello after");
  expect(losses.waiting).toEqual([]);
});

test("without the option a lost connection stays lost, until connect()", async () => {
  const { relay, server, client } = await openRelayed();
  server.onFrameworkMessage(ask, (text) => `${text}!`);
  const losses = inbox<Loss>();
  client.onClose(losses.put);

  relay.cut();
  expect(await losses.next()).toMatchObject({ willReconnect: false });
  await expect(client.sendFrameworkRequest(ask, "down")).rejects.toMatchObject({
    code: "XW_CONNECTION_LOST",
    maybeDelivered: false,
    message: expect.stringContaining('"reconnect/ask" was not sent') as string,
  });

  await client.connect();
  expect(await client.sendFrameworkRequest(ask, "up")).toBe("up!");
});

test("calls made while the connection is down wait for it, then run", async () => {
  const { relay, server, client } = await openRelayed(FAST);
  server.onFrameworkMessage(ask, (text) => `${text}!`);
  const lost = until(() => !client.isConnected(), "the loss");
  await relay.down();
  await lost;

  const calls = Promise.all(["a", "b", "c"].map((text) => client.sendFrameworkRequest(ask, text)));
  await relay.up();

  expect(await calls).toEqual(["a!", "b!", "c!"]);
});

test("a call that waits for the connection in vain rejects when its time is up", async () => {
  const { relay, client } = await openRelayed(FAST);
  await relay.down();
  await until(() => !client.isConnected(), "the loss");
  await expect(client.sendFrameworkRequest(ask, "x", 40)).rejects.toMatchObject({
    code: "XW_NOT_CONNECTED",
    path: ask,
    maybeDelivered: false,
    message: expect.stringContaining("came back in time") as string,
  });
});

test("a call that waits for the connection can be aborted", async () => {
  const { relay, client } = await openRelayed(FAST);
  await relay.down();
  await until(() => !client.isConnected(), "the loss");
  const controller = new AbortController();
  const failure = rejection(
    client.sendFrameworkRequest(ask, "x", { signal: controller.signal, timeoutMs: Infinity }),
  );
  controller.abort("no longer");
  expect(await failure).toBe("no longer");
});

test("a call in flight rejects at once as perhaps delivered, and is not sent again", async () => {
  const { relay, server, client } = await openRelayed(FAST);
  const slow = slowFirst();
  server.onFrameworkMessage(ask, slow.handler);
  const failure = rejection(client.sendFrameworkRequest(ask, "pay", Infinity));
  await slow.entered;

  relay.cut();

  expect(await failure).toMatchObject({
    code: "XW_CONNECTION_LOST",
    path: ask,
    maybeDelivered: true,
    message: expect.stringContaining("It may have run there") as string,
  });
  slow.release();
  await until(() => client.isConnected(), "the client to be back");
  expect(await client.sendFrameworkRequest(ask, "next")).toBe("next, run 2");
});

test("an idempotent call in flight is sent again", async () => {
  const { relay, server, client } = await openRelayed(FAST);
  const slow = slowFirst();
  server.onFrameworkMessage(askAgain, slow.handler);
  const call = client.sendFrameworkRequest(askAgain, "look up");
  await slow.entered;
  relay.cut();
  expect(await call).toBe("look up, run 2");
  slow.release();
});

test("a call with an idempotencyKey is sent again and runs once", async () => {
  const { relay, server, client } = await openRelayed(FAST);
  const slow = slowFirst();
  server.onFrameworkMessage(ask, slow.handler);
  const call = client.sendFrameworkRequest(ask, "charge", { idempotencyKey: "order-1" });
  await slow.entered;
  relay.cut();
  await until(() => client.isConnected() && relay.arrivals.length === 2, "the client to be back");
  slow.release();
  expect(await call).toBe("charge, run 1");
  expect(slow.runs()).toBe(1);
});

test("an idempotencyKey belongs to its path, and another key runs again", async () => {
  const { server, client } = await openRelayed(FAST);
  const slow = slowFirst();
  slow.release();
  server.onFrameworkMessage(ask, slow.handler);
  server.onFrameworkMessage(askAgain, async () => "another path");
  const send = (idempotencyKey: string) =>
    client.sendFrameworkRequest(ask, "x", { idempotencyKey });
  expect(await send("a;k=1:ż")).toBe("x, run 1");
  expect(await send("a;k=1:ż")).toBe("x, run 1");
  expect(await send("b")).toBe("x, run 2");
  expect(await client.sendFrameworkRequest(askAgain, "x", { idempotencyKey: "b" })).toBe(
    "another path",
  );
});

test("a failure under an idempotencyKey is remembered as well", async () => {
  const { server, client } = await openRelayed(FAST);
  let runs = 0;
  server.onFrameworkMessage(ask, () => {
    throw new Error(`failed in run ${++runs}`);
  });
  const send = () => rejection(client.sendFrameworkRequest(ask, "x", { idempotencyKey: "f" }));
  expect(String(await send())).toContain("failed in run 1");
  expect(String(await send())).toContain("failed in run 1");
});

test("a client that was shaken off in the middle of a handshake tries again", async () => {
  const { relay, client } = await openRelayed(FAST);
  const back = deferred();
  client.onReconnect(() => back.resolve());
  relay.resets = 3;
  relay.cut();
  await until(() => relay.resets === 0, "three handshakes to be cut");
  await until(() => client.isConnected(), "the client to be back");
  await back.promise;
});

test("each attempt waits longer than the one before, up to the maximum", async () => {
  const { relay, client } = await openRelayed({
    reconnect: { initialDelayMs: 20, factor: 3, maxDelayMs: 100 },
  });
  relay.resets = 5;
  relay.cut();
  await until(() => relay.resets === 0 && client.isConnected(), "the client to be back");
  const [, ...attempts] = relay.arrivals;
  const delays = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  // Half of each delay is left to chance. A timer may be early by the rounding of a millisecond.
  const least = [30, 50, 50, 50, 50];
  expect(delays).toHaveLength(5);
  for (const [i, delay] of delays.entries()) expect(delay).toBeGreaterThan((least[i] ?? 0) - 2);
});

test("after maxAttempts the client stays closed and says so", async () => {
  const { relay, client } = await openRelayed({
    reconnect: { initialDelayMs: 1, maxDelayMs: 2, maxAttempts: 3 },
  });
  const losses = inbox<Loss>();
  client.onClose(losses.put);
  await relay.down();
  expect(await losses.next()).toMatchObject({ willReconnect: true });
  const waiting = rejection(client.sendFrameworkRequest(ask, "x"));
  expect(await losses.next()).toMatchObject({
    willReconnect: false,
    error: { code: "XW_UNREACHABLE" },
  });
  expect(await waiting).toMatchObject({ code: "XW_UNREACHABLE", maybeDelivered: false });
});

test("disconnect() ends the attempts and the calls that wait for them", async () => {
  const { relay, client } = await openRelayed({
    reconnect: { initialDelayMs: 60_000, maxDelayMs: 60_000 },
  });
  await relay.down();
  await until(() => !client.isConnected(), "the loss");
  const waiting = rejection(client.sendFrameworkRequest(ask, "x", Infinity));
  await client.disconnect();
  expect(await waiting).toMatchObject({ maybeDelivered: false });
  await relay.up();
  expect(relay.arrivals).toHaveLength(1);
  expect(client.isConnected()).toBe(false);
});

test("a client follows a server that was started anew, with a new token", async () => {
  const socketPath = socketPathFor("server");
  const start = async (): Promise<IPCServer> => {
    const server = new IPCServer(0, { socketPath });
    onTestFinished(() => server.close({ graceMs: 0 }));
    server.onFrameworkMessage(ask, (text) => `${text} from ${server.token}`);
    expect(await server.start()).toBe(true);
    return server;
  };
  const first = await start();
  const client = new IPCClient(first.getUrl(), FAST);
  onTestFinished(() => client.disconnect());
  await client.connect(WORKER);
  const lost = until(() => !client.isConnected(), "the loss");
  await first.close();
  await lost;
  const second = await start();
  expect(second.token).not.toBe(first.token);
  expect(await client.sendFrameworkRequest(ask, "hello")).toBe(`hello from ${second.token}`);
});

test.each([["initialDelayMs"], ["maxDelayMs"], ["factor"], ["maxAttempts"]])(
  "refuses a reconnect.%s of 0",
  (name) => {
    expect(() => new IPCClient(1, { reconnect: { [name]: 0 } })).toThrow(
      new TypeError(`reconnect.${name} must be a number above 0, but is 0.`),
    );
  },
);
