// WebSockets of `ws`, of Node itself where it has them, and below socket.io-client.

import { createServer, type IncomingMessage } from "node:http";
import { Server as SocketServer } from "socket.io";
import { io } from "socket.io-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { type RawData, WebSocket as WsWebSocket, WebSocketServer } from "ws";
import type { Outcome } from "../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, inbox, turn, until, within } from "../fixtures/wait.ts";
import { capture, PASS, respond } from "./world.ts";

type Make = (url: string, protocols?: string[]) => WebSocket;

const CLIENTS: [name: string, make: Make][] = [
  ["ws", (url, protocols) => new WsWebSocket(url, protocols) as unknown as WebSocket],
];
// Node has it from version 22 on.
if (typeof globalThis.WebSocket === "function") {
  CLIENTS.push(["the global WebSocket", (url, protocols) => new WebSocket(url, protocols)]);
}

interface Ended {
  readonly code: number;
  readonly reason: string;
}

function closed(socket: WebSocket): Promise<Ended> {
  const end = new Promise<Ended>((resolve) => {
    socket.addEventListener("close", ({ code, reason }) => resolve({ code, reason }));
  });
  return within(end, "the WebSocket to close");
}

async function opened(socket: WebSocket): Promise<void> {
  await until(() => socket.readyState === 1, "an open WebSocket");
}

function failed(socket: WebSocket): Promise<string> {
  const failure = new Promise<string>((resolve) => {
    socket.addEventListener("error", (event) =>
      resolve((event as Event & { message: string }).message),
    );
  });
  return within(failure, "the WebSocket to fail");
}

function received(socket: WebSocket): ReturnType<typeof inbox<unknown>> {
  const messages = inbox<unknown>("a message");
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    messages.put(
      typeof data === "string" ? data : Buffer.from(data as ArrayBuffer).toString("hex"),
    );
  });
  return messages;
}

const never = (): never => {
  throw new Error("Only WebSockets are expected.");
};

async function openEcho(): Promise<string> {
  const origin = await openHttpOrigin((_, response) => response.end());
  const server = new WebSocketServer({ server: origin.server });
  server.on("connection", (socket) => {
    socket.on("message", (data: RawData, isBinary) => socket.send(data, { binary: isBinary }));
  });
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
  });
  return origin.url.replace("http", "ws");
}

describe.each(CLIENTS)("%s", (_name, make) => {
  test.each(["ws", "wss"])("talks to a server in our hands, by %s:", async (scheme) => {
    const server = deferred<WsWebSocket>();
    const { asked } = capture(never, {
      decideWebSocket: (request) => {
        expect([request.method, request.url, request.client]).toEqual([
          "GET",
          `${scheme}://nowhere.invalid/chat?a=1`,
          "websocket",
        ]);
        return { kind: "accept", protocol: "v2", onSocket: server.resolve };
      },
    });
    const client = make(`${scheme}://nowhere.invalid/chat?a=1`, ["v1", "v2"]);
    const messages = received(client);
    const ours = await server.promise;
    const ourMessages = inbox<string>("a message of the client");
    ours.on("message", (data: RawData) => ourMessages.put(String(data)));
    ours.send("first");
    expect(await messages.next()).toBe("first");
    expect(client.protocol).toBe("v2");
    client.send("up");
    expect(await ourMessages.next()).toBe("up");
    ours.send(Buffer.from([0, 255]));
    expect(await messages.next()).toBe("00ff");
    const end = closed(client);
    ours.close(4321, "why");
    expect(await end).toEqual({ code: 4321, reason: "why" });
    expect(asked).toEqual([]);
  });

  test("tells the server in our hands how it closed", async () => {
    const server = deferred<WsWebSocket>();
    capture(never, { decideWebSocket: () => ({ kind: "accept", onSocket: server.resolve }) });
    const client = make("ws://nowhere.invalid");
    const ours = await server.promise;
    const end = until(ours, "close");
    await opened(client);
    client.close(4000, "done");
    const [code, reason] = await end;
    expect([code, String(reason)]).toEqual([4000, "done"]);
  });

  test("has what it sends upon a message asked about, but not what the server in our hands sends", async () => {
    const origin = await openHttpOrigin((_, response) => response.end("real"));
    const onSocket = (socket: WsWebSocket): void =>
      void socket.on("message", () => {
        void fetch(origin.url).then(async (response) => socket.send(await response.text()));
      });
    capture(() => respond("answered"), { decideWebSocket: () => ({ kind: "accept", onSocket }) });
    const client = make("ws://nowhere.invalid");
    const answers = inbox<string>("an answer");
    client.addEventListener("message", ({ data }) => {
      void fetch(origin.url).then(async (response) => {
        answers.put(`${String(data)}, ${await response.text()}`);
      });
    });
    client.addEventListener("open", () => client.send("ask"));
    expect(await answers.next()).toBe("real, answered");
    client.close();
  });

  test("sees a connection that is cut as 1006", async () => {
    const server = deferred<WsWebSocket>();
    capture(never, { decideWebSocket: () => ({ kind: "accept", onSocket: server.resolve }) });
    const client = make("ws://nowhere.invalid");
    const end = closed(client);
    await opened(client);
    (await server.promise).terminate();
    expect((await end).code).toBe(1006);
  });

  test("is refused with a status, or fails as the network fails", async () => {
    capture(never, {
      decideWebSocket: ({ url }) =>
        url.endsWith("/refused") ? respond("no", [], 401) : { kind: "error", code: "ECONNREFUSED" },
    });
    for (const path of ["/refused", "/dead"]) await failed(make(`ws://nowhere.invalid${path}`));
  });

  test("passes through, with or without being asked about", async () => {
    const url = await openEcho();
    for (const decided of [{ decideWebSocket: () => PASS }, {}]) {
      const { close } = capture(never, decided);
      const client = make(url);
      const messages = received(client);
      client.addEventListener("open", () => client.send("hello"));
      expect(await messages.next()).toBe("hello");
      const end = closed(client);
      client.close(4000, "bye");
      expect(await end).toEqual({ code: 4000, reason: "bye" });
      await close();
    }
  });

  test("carries a frame of 5 MB", async () => {
    const onSocket = (socket: WsWebSocket): void =>
      void socket.on("message", (data: RawData) => socket.send(String((data as Buffer).length)));
    capture(never, { decideWebSocket: () => ({ kind: "accept", onSocket }) });
    const client = make("ws://nowhere.invalid");
    const messages = received(client);
    client.addEventListener("open", () => client.send(new Uint8Array(5_000_000)));
    expect(await messages.next()).toBe("5000000");
    client.close();
  });
});

test("a client of ws that gives up while it is decided is told so at once", async () => {
  const asked = deferred<AbortSignal>();
  capture(never, {
    decideWebSocket: ({ signal }) => {
      asked.resolve(signal);
      return new Promise(() => {});
    },
  });
  const client = new WsWebSocket("ws://nowhere.invalid");
  const errors: string[] = [];
  client.on("error", ({ message }) => errors.push(message));
  const signal = await asked.promise;
  const end = until(client, "close");
  client.terminate();
  await end;
  expect(errors).toEqual(["WebSocket was closed before the connection was established"]);
  await turn();
  expect(signal.aborted).toBe(true);
});

test("a WebSocket takes no patch, and only a WebSocket can be accepted", async () => {
  const accept = { kind: "accept", onSocket: () => {} } as unknown as Outcome;
  capture(() => accept, {
    decideWebSocket: () => ({ kind: "passthrough", patch: { headers: { a: "1" } } }),
  });
  const client = new WsWebSocket("ws://nowhere.invalid");
  client.on("error", () => {});
  const [, refusal] = await until(client, "unexpected-response");
  expect((refusal as IncomingMessage).statusCode).toBe(500);
  client.terminate();
  const answer = await fetch("http://nowhere.invalid");
  expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining("accept")]);
});

test("a client of ws that waits no longer than its handshakeTimeout says so", async () => {
  capture(never, { decideWebSocket: () => new Promise(() => {}) });
  const client = new WsWebSocket("ws://nowhere.invalid", { handshakeTimeout: 20 });
  const [error] = await until(client, "error");
  expect((error as Error).message).toBe("Opening handshake has timed out");
});

test("a client of ws keeps its TLS strict", async () => {
  const origin = await openHttpOrigin((_, response) => response.end(), {
    certificate: "localhost",
  });
  capture(never, { decideWebSocket: () => PASS });
  const client = new WsWebSocket(origin.url.replace("https", "wss"));
  const [error] = await until(client, "error");
  expect((error as NodeJS.ErrnoException).code).toMatch(/CERT|SIGNATURE/);
});

test.each(["polling", "websocket"])("socket.io-client passes through by %s", async (transport) => {
  const http = createServer();
  const server = new SocketServer(http);
  server.on("connection", (socket) => {
    socket.on("ask", (value: string, answer: (text: string) => void) => answer(`told ${value}`));
  });
  http.listen(0, "127.0.0.1");
  await until(http, "listening");
  onTestFinished(() => server.close());
  const { asked } = capture(() => PASS, { decideWebSocket: () => PASS });
  const address = http.address() as { port: number };
  const client = io(`http://127.0.0.1:${address.port}`, {
    transports: [transport],
    forceNew: true,
  });
  onTestFinished(() => void client.close());
  expect(await client.timeout(5_000).emitWithAck("ask", "it")).toBe("told it");
  if (transport === "polling") expect(asked.length).toBeGreaterThan(0);
});
