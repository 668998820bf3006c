// Whose work a captured request is: the id of the incoming request survives everything a server does meanwhile.

import http, { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import fastify from "fastify";
import { request } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { nextMessage, until } from "../fixtures/wait.ts";
import { capture, NOWHERE, respond, type TestCapture } from "./world.ts";

function captureUpstream(): TestCapture {
  return capture(() => respond("ok"), { mayMatch: (_, url) => url.startsWith(NOWHERE) });
}

/** Asks upstream by each client, marked with `mark`. */
async function work(mark: string): Promise<void> {
  const url = `${NOWHERE}/${mark}`;
  await (await fetch(url)).text();
  await (await request(url)).body.text();
  const [response] = await until(http.get(url), "response");
  await text(response as IncomingMessage);
}

function seen({ asked }: TestCapture): Record<string, (string | undefined)[]> {
  const ids: Record<string, Set<string | undefined>> = {};
  for (const { url, contextId } of asked)
    (ids[url.slice(NOWHERE.length + 1)] ??= new Set()).add(contextId);
  return Object.fromEntries(Object.entries(ids).map(([mark, set]) => [mark, [...set]]));
}

const HEADERS: Readonly<Record<string, Record<string, string>>> = {
  header: { "x-crosswire-context": "one" },
  baggage: { baggage: "a=1, crosswire=two;p=1" },
  cookie: { cookie: "a=1; crosswire-ctx=thr%65e" },
  none: {},
  malformed: { baggage: "crosswire=%" },
  unfit: { cookie: "crosswire-ctx=a%0d%0ab" },
};
const IDS = {
  header: ["one"],
  baggage: ["two"],
  cookie: ["three"],
  none: [undefined],
  malformed: [undefined],
  unfit: [undefined],
};

const SERVERS: Readonly<Record<string, RequestListener>> = {
  "a handler that waits": (incoming, response) => {
    setTimeout(() => void work(incoming.url?.slice(1) ?? "").then(() => response.end("ok")), 1);
  },
  "a handler that listens to the body": (incoming, response) => {
    incoming.resume().on("end", () => {
      void work(incoming.url?.slice(1) ?? "").then(() => response.end("ok"));
    });
  },
};

test.each(Object.keys(SERVERS))("the id reaches what %s sends, and nothing else", async (name) => {
  const upstream = captureUpstream();
  const { url } = await openHttpOrigin(SERVERS[name] as RequestListener);
  const send = ([mark, headers]: [string, Record<string, string>]): Promise<Response> =>
    fetch(`${url}/${mark}`, { method: "POST", body: "x".repeat(90_000), headers });
  await Promise.all(Object.entries(HEADERS).map(async (entry) => (await send(entry)).text()));
  expect(seen(upstream)).toEqual(IDS);
});

test("the id reaches what a route of Fastify sends", async () => {
  const upstream = captureUpstream();
  const app = fastify();
  app.post("/:mark", async ({ params }) => {
    await work((params as { mark: string }).mark);
    return "ok";
  });
  onTestFinished(() => app.close());
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  for (const [mark, headers] of Object.entries(HEADERS)) {
    const json = { ...headers, "content-type": "application/json" };
    await (
      await fetch(`${url}/${mark}`, { method: "POST", body: '{"a":1}', headers: json })
    ).text();
  }
  expect(seen(upstream)).toEqual(IDS);
});

test("a connection that is kept does not hand the id of one request on to the next", async () => {
  const upstream = captureUpstream();
  const origin = await openHttpOrigin(SERVERS["a handler that waits"] as RequestListener);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  for (const mark of ["header", "none", "baggage", "none"]) {
    const headers = HEADERS[mark] ?? {};
    const [response] = await until(
      http.get(`${origin.url}/${mark}`, { agent, headers }),
      "response",
    );
    await text(response as IncomingMessage);
  }
  expect(origin.connections).toBe(1);
  expect(seen(upstream)).toEqual({ header: ["one"], none: [undefined], baggage: ["two"] });
});

test("the id of a WebSocket reaches what its messages cause", async () => {
  const upstream = captureUpstream();
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => {
    socket.on("message", (mark) => void work(String(mark)).then(() => socket.send("done")));
  });
  server.listen(0, "127.0.0.1");
  await until(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const headers = { "x-crosswire-context": "socket" };
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
  await until(client, "open");
  client.send("message");
  expect(await nextMessage(client)).toBe("done");
  client.close();
  await until(client, "close");
  expect(seen(upstream)).toEqual({ message: ["socket"] });
});
