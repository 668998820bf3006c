// WebSockets whose other end says what nobody can read: it hears why, and the application's WebSocket ends as told.

import { expect, test } from "vitest";
import { CpriIPC } from "../../src/cpri/cpri-ipc.ts";
import { ws } from "../../src/cpri/handlers/websocket-link.ts";
import { openRealServer, refusalOf, wsClient } from "../capture/websocket-world.ts";
import { inbox, nextWarning, rejection } from "../fixtures/wait.ts";
import { attachTo, hostileReceiver, hostileSender } from "./hostile-peers.ts";
import { attached, pair } from "./world.ts";

const CHAT = "ws://nowhere.invalid/chat";
const HEAD = { id: "1", method: "GET", url: CHAT, headers: [], client: "websocket" } as const;
const REFUSED = { message: expect.stringContaining("A frame of cpri/ws-frame needs") };

/** A receiver that takes every WebSocket, and gives these orders. Returns what it hears in the end. */
async function receiverOf(
  orders: AsyncIterable<unknown> | Iterable<unknown>,
): Promise<() => Promise<unknown>> {
  const failures = inbox<unknown>("the end of the reports");
  const server = await hostileReceiver(() => ({ kind: "unhandled" }));
  server.onFrameworkMessage(CpriIPC.webSocketOpen, () => ({ kind: "handled" }));
  server.onStream(CpriIPC.webSocketFrame, async function* (_, { upload }) {
    yield* orders as AsyncIterable<never>;
    try {
      for await (const _report of upload);
    } catch (error) {
      failures.put(error);
    }
  });
  attachTo(server);
  return () => failures.next();
}

test("a mock whose receiver gives an order that is none is closed with 1011", async () => {
  const warning = nextWarning();
  const failure = await receiverOf([
    { kind: "begin" },
    { kind: "send", to: "client", data: "before" },
    { kind: "send", to: "everybody", data: "x" },
  ]);
  const { closed, messages } = wsClient(CHAT);
  expect(await messages.next()).toBe("before");
  expect((await closed).code).toBe(1011);
  expect((await warning).message).toContain("needs to: client or server");
  expect(await failure()).toMatchObject(REFUSED);
});

test("a mock that is not open yet is refused with 500", async () => {
  const warning = nextWarning();
  const failure = await receiverOf([{ kind: "start" }]);
  const { status } = await refusalOf(wsClient(CHAT).socket);
  expect(status).toBe(500);
  expect((await warning).message).toContain("needs the kind of an order");
  expect(await failure()).toMatchObject(REFUSED);
});

test("a WebSocket with a real server goes on untouched after an order that is none", async () => {
  const real = await openRealServer();
  const wrong = inbox<object>();
  async function* orders(): AsyncGenerator<object> {
    yield { kind: "connect" };
    yield { kind: "begin" };
    yield await wrong.next();
  }
  const failure = await receiverOf(orders());
  const { socket, messages, opened } = wsClient(real.url);
  await opened;
  const there = await real.next();
  socket.send("held");
  const warning = nextWarning();
  wrong.put({ kind: "release", from: "client" });
  expect(await there.messages.next()).toBe("held");
  there.socket.send("still here");
  expect(await messages.next()).toBe("still here");
  expect((await warning).message).toContain("needs a number n");
  expect(await failure()).toMatchObject(REFUSED);
  socket.close();
});

test("a receiver that says neither yes nor no to a WebSocket has it refused", async () => {
  const server = await hostileReceiver(() => ({ kind: "unhandled" }));
  server.onFrameworkMessage(CpriIPC.webSocketOpen, () => ({ kind: "perhaps" }) as never);
  attachTo(server);
  const { status, body } = await refusalOf(wsClient(CHAT).socket);
  expect([status, body]).toEqual([500, expect.stringContaining("A frame of cpri/ws-open needs")]);
});

test("a sender that reports nonsense hears why, and for the handlers its WebSocket is cut", async () => {
  const closes = inbox<number>("the close that the handler hears");
  const { remote } = await pair();
  await remote.use(
    ws.link(CHAT).addEventListener("connection", ({ client }) => {
      client.addEventListener("close", ({ code }) => closes.put(code));
    }),
  );
  await attached(remote, 1);
  const client = await hostileSender(remote);
  for (const report of [null, { kind: "frame", from: "client", n: -1, data: "x" }]) {
    expect(await client.sendFrameworkRequest(CpriIPC.webSocketOpen, HEAD)).toEqual({
      kind: "handled",
    });
    const warning = nextWarning();
    const upload = [report] as never[];
    const orders = client.openStream(CpriIPC.webSocketFrame, { id: "1" }, { upload });
    expect(await orders.next()).toEqual({ done: false, value: { kind: "begin" } });
    expect(await rejection(orders.next())).toMatchObject(REFUSED);
    expect(await closes.next()).toBe(1006);
    expect((await warning).message).toContain(`the other end of the WebSocket to ${CHAT}`);
  }
  expect(remote.senders()).toHaveLength(1);
});
