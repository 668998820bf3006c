// WebSockets of every copy of undici, what their failures look like, and those of socket.io.

import { createServer } from "node:http";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";
import { type RawData, WebSocket as WsWebSocket, WebSocketServer } from "ws";
import type { AcceptWebSocket } from "../../../src/capture/decision.ts";
import type { Outcome } from "../../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { portOf } from "../../fixtures/strict-origin.ts";
import { deferred, inbox, until, within } from "../../fixtures/wait.ts";
import { UNDICI_COPIES } from "../clients.ts";
import { capture, NOWHERE, PASS, respond } from "../world.ts";
import { faceOf } from "./face.ts";

type SocketClass = new (url: string, protocols?: string[]) => WebSocket;

const CLASSES: readonly (readonly [name: string, Socket: SocketClass])[] = [
  ["ws", WsWebSocket as unknown as SocketClass],
  // Node has it from version 22 on.
  ...(typeof globalThis.WebSocket === "function"
    ? ([["the global WebSocket", globalThis.WebSocket]] as const)
    : []),
  // In version 5 they are an experiment, which breaks when a peer ends them.
  ...UNDICI_COPIES.filter(([name]) => name !== "undici 5").map(
    ([name, copy]): readonly [string, SocketClass] => [
      name,
      (copy as unknown as { WebSocket: SocketClass }).WebSocket,
    ],
  ),
];

const never = (): never => {
  throw new Error("Only WebSockets are expected.");
};

const echo = (prefix: string) => (socket: WsWebSocket) =>
  void socket.on("message", (data: RawData) => socket.send(`${prefix} ${String(data)}`));

async function openEcho(): Promise<string> {
  const origin = await openHttpOrigin((_, response) => response.end());
  const server = new WebSocketServer({ server: origin.server });
  server.on("connection", echo("real"));
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  return origin.url.replace("http", "ws");
}

test.each(CLASSES)("those of %s are answered, and pass", async (_, Socket) => {
  const real = await openEcho();
  const accept: AcceptWebSocket = { kind: "accept", onSocket: echo("answered") };
  const { asked } = capture(never, {
    decideWebSocket: (request) => {
      asked.push(request);
      return request.url.startsWith(real) ? PASS : accept;
    },
  });
  for (const [url, end] of [
    ["ws://nowhere.invalid", "answered"],
    ["wss://nowhere.invalid", "answered"],
    [real, "real"],
  ] as const) {
    const socket = new Socket(url);
    const messages = inbox<unknown>("an echo");
    socket.addEventListener("message", ({ data }) => messages.put(data));
    socket.addEventListener("open", () => socket.send("hello"));
    expect(await messages.next()).toBe(`${end} hello`);
    const closed = new Promise<number>((resolve) => {
      socket.addEventListener("close", ({ code }) => resolve(code));
    });
    socket.close(4000);
    expect(await within(closed, "the end")).toBe(4000);
  }
  expect(asked).toHaveLength(3);
});

async function failureOf(Socket: SocketClass, url: string): Promise<unknown> {
  const socket = new Socket(url);
  const failed = new Promise<unknown>((resolve) => {
    socket.addEventListener("error", (event) => {
      const { message, error } = event as Event & { message: string; error: unknown };
      resolve([message, faceOf(error)]);
    });
  });
  return within(failed, "the failure");
}

test.each(CLASSES)("those of %s fail as they really would", async (_, Socket) => {
  const gone = await openHttpOrigin(() => {});
  await gone.close();
  const refusing = await openHttpOrigin((__, response) => response.writeHead(401).end());
  refusing.server.on("upgrade", (__, socket) =>
    socket.end("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
  );
  const outcomes: readonly (readonly [url: string, outcome: Outcome])[] = [
    [gone.url, { kind: "error", code: "ECONNREFUSED" }],
    [refusing.url, respond("", [], 401)],
    ["http://a..b", { kind: "error", code: "ENOTFOUND" }],
  ];
  for (const [url, outcome] of outcomes) {
    const wsUrl = url.replace("http", "ws");
    const real = await failureOf(Socket, wsUrl);
    const { close } = capture(never, { decideWebSocket: () => outcome });
    expect(await failureOf(Socket, wsUrl)).toEqual(real);
    await close();
  }
});

test.each(CLASSES)(
  "those of %s that are closed while they are decided are given up",
  async (_, Socket) => {
    const signal = deferred<AbortSignal>();
    capture(never, {
      decideWebSocket: (request) => {
        signal.resolve(request.signal);
        return new Promise(() => {});
      },
    });
    const socket = new Socket("ws://nowhere.invalid");
    const failed = new Promise((resolve) => socket.addEventListener("error", resolve));
    const given = await signal.promise;
    socket.close();
    await within(failed, "the failure");
    await until(() => given.aborted, "the signal");
  },
);

test("socket.io-client passes from polling to a WebSocket", async () => {
  const http = createServer();
  const server = new SocketServer(http);
  server.on("connection", (socket) => {
    socket.on("ask", (value: string, answer: (text: string) => void) => answer(`told ${value}`));
  });
  http.listen(0, "127.0.0.1");
  await until(http, "listening");
  onTestFinished(() => server.close());
  const sockets: string[] = [];
  const { asked } = capture(() => PASS, {
    decideWebSocket: ({ url }) => {
      sockets.push(url);
      return PASS;
    },
  });
  const client = io(`http://127.0.0.1:${portOf(http)}`, { forceNew: true });
  onTestFinished(() => void client.close());
  const { engine } = client.io;
  await until(client as never, "connect");
  await until(() => engine.transport.name === "websocket", "the upgrade");
  expect(await client.timeout(5_000).emitWithAck("ask", "it")).toBe("told it");
  expect([asked.length > 0, sockets.length]).toEqual([true, 1]);
});

test("socket.io-client shakes hands over a WebSocket in our hands", async () => {
  const accept: AcceptWebSocket = {
    kind: "accept",
    onSocket: (socket) => socket.send(`0${JSON.stringify(HANDSHAKE)}`),
  };
  capture(never, { decideWebSocket: () => accept });
  const client = io(NOWHERE, { transports: ["websocket"], forceNew: true, reconnection: false });
  onTestFinished(() => void client.close());
  const engine = client.io.engine as unknown as NodeJS.EventEmitter;
  await until(engine, "handshake");
});

/** Of engine.io, which carries socket.io. */
const HANDSHAKE = { sid: "a", upgrades: [], pingInterval: 25_000, pingTimeout: 20_000 };
