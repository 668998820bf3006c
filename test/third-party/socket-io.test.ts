// socket.io through the proxy: by polling, by WebSocket, and from one to the other.

import { randomBytes } from "node:crypto";
import { Server, type Socket as ServerSocket } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { deferred, until, within } from "../fixtures/wait.ts";
import { openOrigin } from "./origin.ts";

type Transport = "polling" | "websocket";

interface Conversation {
  readonly client: Socket;
  readonly server: ServerSocket;
  /** What carries it at the moment, as each side sees it. */
  transports(): [string, string];
}

async function converse(transports: Transport[]): Promise<Conversation> {
  const { url, origin } = await openOrigin();
  const server = new Server(origin, { maxHttpBufferSize: 4_000_000 });
  const connected = deferred<ServerSocket>();
  server.on("connection", (socket) => {
    socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
    connected.resolve(socket);
  });
  const client = io(url, { transports, reconnection: false, forceNew: true });
  onTestFinished(async () => {
    client.disconnect();
    await server.close();
  });
  const ours = await within(connected.promise, "a socket.io connection");
  await until(() => client.connected, "the client to be connected");
  return {
    client,
    server: ours,
    transports: () => [client.io.engine.transport.name, ours.conn.transport.name],
  };
}

async function expectEchoes({ client, server }: Conversation): Promise<void> {
  const bytes = randomBytes(1_000_000);
  expect(await client.timeout(5_000).emitWithAck("echo", { text: "ünïcode" })).toEqual({
    text: "ünïcode",
  });
  const back = (await client.timeout(5_000).emitWithAck("echo", bytes)) as Buffer;
  expect(Buffer.compare(bytes, back)).toBe(0);
  client.on("ask", (answer: (value: string) => void) => answer("answered"));
  expect(await server.timeout(5_000).emitWithAck("ask")).toBe("answered");
}

test("a conversation begins by polling and goes on over a WebSocket", async () => {
  const conversation = await converse(["polling", "websocket"]);
  const { client, server, transports } = conversation;
  await expectEchoes(conversation);
  await until(() => transports().join() === "websocket,websocket", "the upgrade");
  expect(await client.timeout(5_000).emitWithAck("echo", 1)).toBe(1);
  expect(server.connected).toBe(true);
});

test("a conversation stays with polling", async () => {
  const conversation = await converse(["polling"]);
  await expectEchoes(conversation);
  expect(conversation.transports()).toEqual(["polling", "polling"]);
});

test("a conversation begins with a WebSocket", async () => {
  const conversation = await converse(["websocket"]);
  await expectEchoes(conversation);
  expect(conversation.transports()).toEqual(["websocket", "websocket"]);
});

test.each<Transport>(["polling", "websocket"])(
  "the client on %s hears when the server leaves",
  async (transport) => {
    const { client, server } = await converse([transport]);
    const left = deferred<string>();
    client.once("disconnect", (reason) => left.resolve(reason));
    server.disconnect(true);
    expect(await within(left.promise, "the client to hear of it")).toBe("io server disconnect");
  },
);

test.each<Transport>(["polling", "websocket"])(
  "the server hears when the client on %s leaves",
  async (transport) => {
    const { client, server } = await converse([transport]);
    const left = deferred<string>();
    server.once("disconnect", (reason) => left.resolve(reason));
    client.io.engine.close();
    expect(await within(left.promise, "the server to hear of it")).toBe("transport close");
  },
);
