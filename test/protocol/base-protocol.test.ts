// The base protocol, spoken by hand in both roles: a peer that knows no more than m, r and s interoperates.

import { type CallOptions, type CrosswireError, IPCClient, IPCServer } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { type BasePeer, BasePeer as Peer, openBaseServer } from "../fixtures/base-peer.ts";
import { deferred, rejection, turn, until } from "../fixtures/wait.ts";
import { openServer } from "../public/pair.ts";

/** Our end of the conversation, whichever of the two it is. */
interface Ours {
  answer(path: string, handler: (payload: unknown) => unknown): void;
  listen(path: string, listener: (payload: unknown) => void): void;
  request(path: string, payload?: unknown, options?: CallOptions): Promise<unknown>;
  send(path: string, payload?: unknown): void;
  readStream(path: string): Promise<unknown>;
}

interface Conversation {
  readonly ours: Ours;
  readonly peer: BasePeer;
}

const RUNTIME_ID = "base-1";
const LIMITS = { heartbeatQuietMs: 40, heartbeatReplyMs: 300 };

async function withOurServer(): Promise<Conversation> {
  const server = await openServer({ limits: LIMITS });
  const peer = await Peer.connectTo(server, RUNTIME_ID);
  await until(() => server.clients().length === 1, "the peer to be known");
  const ours: Ours = {
    answer: (path, handler) => void server.onFrameworkMessage(toServer(path), handler),
    listen: (path, listener) => void server.onMessage(IPCServer.defineMessage(path), listener),
    request: (path, payload, options) =>
      server.sendFrameworkMessage(RUNTIME_ID, toClient(path), payload, options),
    send: (path, payload) => server.sendMessage(RUNTIME_ID, IPCClient.defineMessage(path), payload),
    readStream: (path) =>
      server.openStream(RUNTIME_ID, IPCClient.defineStream(path), undefined).next(),
  };
  return { ours, peer };
}

async function withOurClient(): Promise<Conversation> {
  const { url, peer } = await openBaseServer();
  const client = new IPCClient(url, { limits: LIMITS });
  onTestFinished(() => client.disconnect());
  await client.connect(RUNTIME_ID);
  const ours: Ours = {
    answer: (path, handler) => void client.onFrameworkRequest(toClient(path), handler),
    listen: (path, listener) => void client.onMessage(IPCClient.defineMessage(path), listener),
    request: (path, payload, options) =>
      client.sendFrameworkRequest(toServer(path), payload, options),
    send: (path, payload) => client.sendMessage(IPCServer.defineMessage(path), payload),
    readStream: (path) => client.openStream(IPCServer.defineStream(path), undefined).next(),
  };
  return { ours, peer: await peer };
}

const toServer = (path: string) => IPCServer.defineRequest(path);
const toClient = (path: string) => IPCClient.defineRequest(path);

describe.each([
  { role: "a server", converse: withOurServer },
  { role: "a client", converse: withOurClient },
])("as $role, Crosswire", ({ converse }) => {
  test("answers a request with the very text that the base protocol asks for", async () => {
    const { ours, peer } = await converse();
    ours.answer("base/greet", (name) => `Hello ${String(name)}`);
    peer.send('r:1:base/greet:"Ada"');
    expect(await peer.next()).toBe('s:1:base/greet:{"success":true,"data":"Hello Ada"}');
  });

  test("reads an empty data part as undefined and answers undefined without data", async () => {
    const { ours, peer } = await converse();
    const payloads: unknown[] = [];
    ours.answer("base/void", (payload) => void payloads.push(payload));
    peer.send("r:2:base/void:");
    expect(await peer.next()).toBe('s:2:base/void:{"success":true}');
    expect(payloads).toEqual([undefined]);
  });

  test("tells a handler's error in the base form, with the details beside it and no stack", async () => {
    const { ours, peer } = await converse();
    ours.answer("base/fail", () => {
      throw Object.assign(new TypeError("no such user"), { code: "E_USER" });
    });
    peer.send("r:3:base/fail:1");
    expect(await peer.next()).toBe(
      's:3:base/fail:{"success":false,"error":"no such user",' +
        '"err":{"name":"TypeError","message":"no such user","code":"E_USER"}}',
    );
  });

  test("answers a request for an unknown path with an error instead of silence", async () => {
    const { peer } = await converse();
    peer.send("r:4:base/unknown:{}");
    const answer = await peer.next();
    expect(answer).toMatch(/^s:4:[^:]*:\{"success":false,"error":"/);
    expect(answer).toContain("XW_NO_HANDLER");
  });

  test.each([
    "a1",
    "V1StGXR8_Z5jdHi6B-myT",
    "007",
    "-1",
    "1.5",
    "0x10",
    "18446744073709551616",
    "__proto__",
    "ä",
    "a;t=1",
  ])("answers a request under its own id %j", async (id) => {
    const { ours, peer } = await converse();
    ours.answer("base/id", () => true);
    peer.send(`r:${id}:base/id:`);
    expect(await peer.next()).toBe(`s:${id}:base/id:{"success":true,"data":true}`);
  });

  test("reads pretty-printed JSON, although its line breaks separate messages elsewhere", async () => {
    const { ours, peer } = await converse();
    ours.answer("base/echo", (payload) => payload);
    const payload = { list: [1, { text: "a:b\nc" }], "é:": null };
    peer.send(`r:5:base/echo:${JSON.stringify(payload, undefined, 2)}`);
    expect(await peer.next()).toBe(
      `s:5:base/echo:{"success":true,"data":${JSON.stringify(payload)}}`,
    );
  });

  test("hands a message to its listener and answers nothing", async () => {
    const { ours, peer } = await converse();
    const heard = deferred<unknown>();
    ours.listen("base/log", heard.resolve);
    ours.answer("base/after", () => "after");
    peer.send('m::base/log:{"level":1}');
    peer.send("r:6:base/after:");
    expect(await heard.promise).toEqual({ level: 1 });
    expect(await peer.next()).toBe('s:6:base/after:{"success":true,"data":"after"}');
  });

  test("sends requests as plain text and takes answers with the path left in", async () => {
    const { ours, peer } = await converse();
    const answer = ours.request("base/sum", [1, 2]);
    expect(await peer.next()).toBe("r:1:base/sum:[1,2]");
    peer.send('s:1:base/sum:{"success":true,"data":3}');
    expect(await answer).toBe(3);
  });

  test("takes answers with an empty path, and pretty-printed ones", async () => {
    const { ours, peer } = await converse();
    const answer = ours.request("base/sum", [1, 2]);
    await peer.next();
    peer.send('s:1::{\n  "success": true,\n  "data": 3\n}');
    expect(await answer).toBe(3);
  });

  test("rejects with the message of a base peer's error, which is all it tells", async () => {
    const { ours, peer } = await converse();
    const failed = rejection(ours.request("base/sum", "x"));
    await peer.next();
    peer.send('s:1:base/sum:{"success":false,"error":"not a list"}');
    expect(await failed).toMatchObject({
      code: "XW_REMOTE",
      path: "base/sum",
      message: expect.stringContaining("not a list"),
      detail: { name: "Error" },
    });
  });

  test("puts each message into a frame of its own, in order", async () => {
    const { ours, peer } = await converse();
    ours.send("base/one", { n: 1 });
    const answer = ours.request("base/two");
    ours.send("base/three");
    expect(await peer.next()).toBe('m::base/one:{"n":1}');
    expect(await peer.next()).toBe("r:1:base/two:");
    expect(await peer.next()).toBe("m::base/three:");
    peer.send('s:1::{"success":true}');
    expect(await answer).toBeUndefined();
  });

  test("sends no attribute, no cancel and no hello, whatever is called for", async () => {
    const { ours, peer } = await converse();
    const controller = new AbortController();
    const options = { timeoutMs: 1234, signal: controller.signal, idempotencyKey: "k" };
    const aborted = rejection(ours.request("base/slow", undefined, options));
    await turn();
    controller.abort(new Error("enough"));
    expect(await aborted).toMatchObject({ message: "enough" });
    ours.send("base/last");
    expect(await peer.next()).toBe("r:1:base/slow:");
    expect(await peer.next()).toBe("m::base/last:");
  });

  test("asks for a sign of life by a WebSocket ping and accepts the pong", async () => {
    const { ours, peer } = await converse();
    await until(peer.ws, "ping");
    await until(peer.ws, "ping");
    ours.send("base/alive");
    expect(await peer.next()).toBe("m::base/alive:");
  });

  test.each([
    { what: "a stream", ask: (ours: Ours) => ours.readStream("base/stream") },
    { what: "bytes", ask: (ours: Ours) => ours.request("base/bytes", new Uint8Array(3)) },
  ])("refuses $what, which a base peer cannot understand", async ({ ask }) => {
    const { ours, peer } = await converse();
    const error = (await rejection(ask(ours))) as CrosswireError;
    expect(error).toMatchObject({ code: "XW_UNSUPPORTED" });
    ours.send("base/next");
    expect(await peer.next()).toBe("m::base/next:");
  });
});

test("knows a base peer by its runtimeId as soon as it is connected", async () => {
  const server = await openServer();
  const connected = new Promise((resolve) => server.onClientConnect(resolve));
  await Peer.connectTo(server, "worker-7");
  expect(await connected).toMatchObject({ runtimeId: "worker-7" });
});

test("broadcasts to base peers like to all others", async () => {
  const server = await openServer();
  const peers = [await Peer.connectTo(server, "a"), await Peer.connectTo(server, "b")];
  await until(() => server.clients().length === 2, "both peers");
  server.broadcast(IPCClient.defineMessage<string>("base/news"), "now");
  for (const peer of peers) expect(await peer.next()).toBe('m::base/news:"now"');
});

test("does not run a base peer's request twice while the first one runs", async () => {
  const server = await openServer();
  const peer = await Peer.connectTo(server, "twice");
  const release = deferred();
  let runs = 0;
  server.onFrameworkMessage(IPCServer.defineRequest<void, number>("base/once"), async () => {
    runs++;
    await release.promise;
    return runs;
  });
  peer.send("r:abc:base/once:");
  peer.send("r:abc:base/once:");
  await until(() => runs > 0, "the handler to run");
  server.onFrameworkMessage(IPCServer.defineRequest<void, string>("base/other"), () => "other");
  peer.send("r:d:base/other:");
  expect(await peer.next()).toBe('s:d:base/other:{"success":true,"data":"other"}');
  release.resolve();
  expect(await peer.next()).toBe('s:abc:base/once:{"success":true,"data":1}');
});
