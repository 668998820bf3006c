// WebSockets of an application whose handlers are in another process: mocked, spied on, and left alone.

import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { CallContext } from "../../src/channel/call-context.ts";
import { HandlerScopes } from "../../src/cpri/handler-scopes.ts";
import { ws } from "../../src/cpri/handlers/websocket-link.ts";
import { WebSocketAnswering } from "../../src/cpri/receiver/websocket-answering.ts";
import { nodeClock } from "../../src/node/node-clock.ts";
import { openRealServer, wsClient } from "../capture/websocket-world.ts";
import { inbox } from "../fixtures/wait.ts";
import { world } from "./world.ts";

test("a WebSocket is mocked over the wire: text, bytes, close codes", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver();
  const link = ws.link("wss://nowhere.invalid/chat/:room");
  const closed = inbox<string>("the close that the test sees");
  await remote.use(
    link.addEventListener("connection", ({ client, params }) => {
      client.send(`welcome to ${String(params["room"])}`);
      client.addEventListener("message", ({ data }) => client.send(data));
      client.addEventListener("close", ({ code, reason }) => closed.put(`${code} ${reason}`));
    }),
  );
  const { socket, messages } = wsClient("wss://nowhere.invalid/chat/7");
  expect(await messages.next()).toBe("welcome to 7");
  socket.send("hello");
  expect(await messages.next()).toBe("hello");
  socket.send(new Uint8Array([0, 255]));
  expect(await messages.next()).toBe("00ff");
  socket.close(4001, "enough");
  expect(await closed.next()).toBe("4001 enough");
});

test("a WebSocket is spied on over the wire: frames are seen, changed, and dropped", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver();
  const real = await openRealServer();
  const seen = inbox<string>("what the test sees");
  await remote.use(
    ws.link(`${real.url}/*`).addEventListener("connection", ({ client, server }) => {
      server.connect();
      client.addEventListener("message", (event) => {
        if (event.data === "secret") event.preventDefault();
        else if (event.data === "small") {
          event.preventDefault();
          server.send("LARGE");
        }
      });
      server.addEventListener("message", ({ data }) => seen.put(String(data)));
    }),
  );
  const { socket, messages, opened } = wsClient(`${real.url}/x`);
  await opened;
  const there = await real.next();
  for (const text of ["as it is", "secret", "small"]) socket.send(text);
  expect([await there.messages.next(), await there.messages.next()]).toEqual(["as it is", "LARGE"]);
  there.socket.send("from the server");
  expect(await messages.next()).toBe("from the server");
  expect(await seen.next()).toBe("from the server");
  socket.close();
});

test("a WebSocket that no handler wants goes to its server as it is", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver();
  await remote.use(ws.link("ws://nowhere.invalid/other").addEventListener("connection", () => {}));
  const real = await openRealServer();
  const client = new WebSocket(real.url);
  onTestFinished(() => client.terminate());
  await once(client, "open");
  (await real.next()).socket.send("real");
  expect(String((await once(client, "message"))[0])).toBe("real");
});

test("a mock whose receiver goes is closed, and a connection that was spied on goes on", async () => {
  const { receiver, app } = world();
  app();
  const remote = await receiver();
  const real = await openRealServer();
  await remote.use(
    ws.link("ws://nowhere.invalid/mock").addEventListener("connection", () => {}),
    ws.link(`${real.url}/*`).addEventListener("connection", ({ server }) => server.connect()),
  );
  const mocked = wsClient("ws://nowhere.invalid/mock");
  const spied = wsClient(`${real.url}/x`);
  await Promise.all([mocked.opened, spied.opened]);
  const there = await real.next();
  await remote.close();
  expect((await mocked.closed).code).toBe(1011);
  there.socket.send("still here");
  expect(await spied.messages.next()).toBe("still here");
  spied.socket.close();
});

test("a handler that sends without end is stopped, once, and says so", () => {
  const failures: unknown[] = [];
  const flood = ws
    .link("ws://nowhere.invalid/flood")
    .addEventListener("connection", ({ client }) => {
      for (let i = 0; i < 100_010; i++) client.send("x");
    });
  const answering = new WebSocketAnswering(new HandlerScopes([flood]), (error) => {
    failures.push(error);
  });
  const head = { id: "1", method: "GET", url: "ws://nowhere.invalid/flood", headers: [] };
  const context = new CallContext("cpri/ws-open", { runtimeId: "sender" }, nodeClock, Infinity);
  answering.open({ ...head, client: "websocket" }, context);
  answering.close();
  expect(failures).toEqual([expect.objectContaining({ code: "XW_LIMIT" })]);
});
