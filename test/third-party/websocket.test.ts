// WebSocket libraries through the proxy: what a client and a server agree on is theirs alone.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket as UndiciWebSocket } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { deferred, inbox, nextMessage, until, within } from "../fixtures/wait.ts";
import { openOrigin } from "./origin.ts";

interface Pair {
  readonly client: WebSocket;
  readonly server: WebSocket;
}

/** A server of `ws` behind the proxy; `url` is that of the proxy. */
async function openServer(
  options: ServerOptions = {},
): Promise<{ url: string; wss: WebSocketServer }> {
  const { url, origin } = await openOrigin();
  const wss = new WebSocketServer({ ...options, server: origin });
  onTestFinished(() => {
    for (const socket of wss.clients) socket.terminate();
    wss.close();
  });
  return { url, wss };
}

async function openPair(protocols: string[] = [], options: ServerOptions = {}): Promise<Pair> {
  const { url, wss } = await openServer(options);
  const connected = deferred<WebSocket>();
  wss.once("connection", (socket) => connected.resolve(socket));
  const client = new WebSocket(url, protocols);
  client.on("error", () => {});
  onTestFinished(() => client.terminate());
  const [server] = await Promise.all([
    within(connected.promise, "the connection"),
    until(client, "open"),
  ]);
  return { client, server };
}

test("the server chooses among the subprotocols of the client, as GraphQL over WebSocket does", async () => {
  const offered = deferred<string[]>();
  const { client, server } = await openPair(["graphql-transport-ws", "graphql-ws"], {
    handleProtocols: (protocols) => {
      offered.resolve([...protocols]);
      return "graphql-transport-ws";
    },
  });
  expect(await offered.promise).toEqual(["graphql-transport-ws", "graphql-ws"]);
  expect(client.protocol).toBe("graphql-transport-ws");
  const heard = inbox<string>("a message of the server");
  client.on("message", (data) => heard.put(String(data)));
  server.on("message", (data) => {
    const { type, id } = JSON.parse(String(data)) as { type: string; id?: string };
    if (type === "connection_init") server.send('{"type":"connection_ack"}');
    else if (type === "subscribe") server.send(JSON.stringify({ type: "next", id, payload: {} }));
  });
  client.send('{"type":"connection_init"}');
  expect(await heard.next()).toBe('{"type":"connection_ack"}');
  client.send('{"type":"subscribe","id":"1","payload":{"query":"subscription { hour }"}}');
  expect(JSON.parse(await heard.next())).toEqual({ type: "next", id: "1", payload: {} });
});

test("both may compress", async () => {
  const { client, server } = await openPair([], { perMessageDeflate: { threshold: 0 } });
  expect(client.extensions).toContain("permessage-deflate");
  const text = "the same again and again, ".repeat(50_000);
  const there = nextMessage(server);
  client.send(text);
  expect(await there).toBe(text);
  const back = nextMessage(client);
  server.send(text);
  expect(await back).toBe(text);
});

test("fragments, pings and pongs arrive as they were sent", async () => {
  const { client, server } = await openPair();
  const pinged = within(once(server, "ping"), "the ping");
  const ponged = within(once(client, "pong"), "the pong");
  const heard = nextMessage(server);
  client.send("one ", { fin: false });
  client.ping("between");
  client.send("message", { fin: true });
  expect(String((await pinged)[0])).toBe("between");
  expect(String((await ponged)[0])).toBe("between");
  expect(await heard).toBe("one message");
});

test.each([
  { who: "the client", close: ({ client }: Pair) => client, hears: ({ server }: Pair) => server },
  { who: "the server", close: ({ server }: Pair) => server, hears: ({ client }: Pair) => client },
])("the other side hears with which code and reason $who closes", async ({ close, hears }) => {
  const pair = await openPair();
  const closed = within(once(hears(pair), "close"), "the end");
  close(pair).close(4400, "Invalid message");
  const [code, reason] = (await closed) as [number, Buffer];
  expect([code, String(reason)]).toEqual([4400, "Invalid message"]);
});

test("a refusal of the server reaches the client with its status, headers and body", async () => {
  const { url } = await openServer({
    verifyClient: (_info, done) => done(false, 401, "who are you", { "WWW-Authenticate": "Basic" }),
  });
  const client = new WebSocket(url);
  client.on("error", () => {});
  const [, response] = (await within(once(client, "unexpected-response"), "the refusal")) as [
    unknown,
    IncomingMessage,
  ];
  let body = "";
  for await (const chunk of response) body += String(chunk);
  expect(response.statusCode).toBe(401);
  expect(response.headers["www-authenticate"]).toBe("Basic");
  expect(body).toBe("who are you");
});

test("the WebSocket of undici, which is that of Node, is served", async () => {
  const { url, wss } = await openServer();
  wss.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const client = new UndiciWebSocket(url.replace("http", "ws"));
  client.binaryType = "arraybuffer";
  const heard = inbox<unknown>("an echo");
  client.addEventListener("message", ({ data }) => heard.put(data));
  const opened = new Promise((resolve) => client.addEventListener("open", resolve));
  await within(opened, "the connection");
  const bytes = randomBytes(100_000);
  client.send(bytes);
  expect(Buffer.compare(Buffer.from((await heard.next()) as ArrayBuffer), bytes)).toBe(0);
  const closed = new Promise<{ code: number }>((resolve) =>
    client.addEventListener("close", resolve),
  );
  client.close(1000);
  expect((await within(closed, "the end")).code).toBe(1000);
});
