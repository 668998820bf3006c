// WebSockets over TCP and over Unix sockets keep the contract of transports.

import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { WebSocketTransport } from "../../src/ipc/websocket-transport.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { transportContract } from "../contract/transport.ts";
import { until } from "../fixtures/wait.ts";
import { socketPathFor } from "../public/relay.ts";
import { webSocketPair } from "./websocket-pair.ts";

transportContract("WebSocket over TCP", () => webSocketPair({}));
transportContract("WebSocket over TCP, through ws alone", () => webSocketPair({ plain: true }));
transportContract("WebSocket over a Unix socket", () =>
  webSocketPair({ path: socketPathFor("contract") }),
);

test("a ping is answered with a sign of life", async () => {
  const [a, b] = await webSocketPair({});
  const signs: string[] = [];
  for (const [name, end] of Object.entries({ a, b })) {
    end.open({
      frame: () => {},
      alive: () => void signs.push(name),
      drain: () => {},
      close: () => {},
    });
  }
  a.ping?.();
  await until(() => signs.length === 2, "the ping and the pong");
  expect(signs.sort()).toEqual(["a", "b"]);
});

test("a peer that never answers a close is cut off after the grace", async () => {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await until(sockets, "listening");
  const accepted = until(sockets, "connection");
  const ws = new WebSocket(`ws://127.0.0.1:${(sockets.address() as { port: number }).port}`);
  const [stubborn] = (await accepted) as [WebSocket];
  await until(() => ws.readyState === ws.OPEN, "the connection");
  // It reads nothing any more, so it never sees the close.
  stubborn.pause();
  const transport = new WebSocketTransport(ws, { limits: { ...DEFAULT_LIMITS, closeGraceMs: 40 } });
  const closed = new Promise((resolve) => {
    transport.open({ frame: () => {}, alive: () => {}, drain: () => {}, close: resolve });
  });
  const startedAt = performance.now();
  transport.close(1000, "bye");
  expect(await closed).toMatchObject({ code: 1000, reason: "bye" });
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  stubborn.terminate();
  sockets.close();
});

test("a WebSocket that is not open yet is refused", () => {
  const ws = new WebSocket("ws://127.0.0.1:1");
  ws.on("error", () => {});
  expect(() => new WebSocketTransport(ws, { limits: DEFAULT_LIMITS })).toThrow(
    /must be open to carry a conversation/,
  );
  ws.terminate();
});
