// A caught WebSocket between the application and the real server, with somebody in between who decides about each frame.

import http from "node:http";
import { Agent, type AgentOptions } from "node:https";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocket as WsWebSocket } from "ws";
import type { CaptureOptions } from "../../src/capture/capture.ts";
import type { WebSocketRelay } from "../../src/capture/websocket-relay.ts";
import type { WebSocketOrder, WebSocketReport } from "../../src/exchange/websocket.ts";
import { CA, openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, type Inbox, inbox, turn, until } from "../fixtures/wait.ts";
import { CLIENTS, deadUrl, openRealServer, refusalOf, watch, wsClient } from "./websocket-world.ts";
import { capture } from "./world.ts";

const NOWHERE = "ws://nowhere.invalid/chat";
const BEGIN: WebSocketOrder = { kind: "begin" };
const CONNECT: WebSocketOrder = { kind: "connect" };

interface Decider {
  readonly relay: Promise<WebSocketRelay>;
  readonly reports: Inbox<WebSocketReport>;
  order(...orders: WebSocketOrder[]): Promise<void>;
}

const never = (): never => {
  throw new Error("Only WebSockets are expected.");
};

/** Relays the next WebSockets, and orders `first`. `onReport` may answer each report with orders. */
function relaying(
  first: readonly WebSocketOrder[],
  onReport: (report: WebSocketReport) => readonly WebSocketOrder[] = () => [],
): Decider {
  const relayed = deferred<WebSocketRelay>();
  const reports = inbox<WebSocketReport>("a report");
  const decideWebSocket: CaptureOptions["decideWebSocket"] = () => ({
    kind: "relay",
    onRelay: (relay) => {
      relay.listen((report) => {
        reports.put(structuredClone(report));
        for (const order of onReport(report)) void relay.carryOut(structuredClone(order));
      });
      for (const order of first) void relay.carryOut(order);
      relayed.resolve(relay);
    },
  });
  capture(never, { decideWebSocket });
  return {
    relay: relayed.promise,
    reports,
    order: async (...orders) => {
      const relay = await relayed.promise;
      for (const order of orders) await relay.carryOut(order);
    },
  };
}

/** Lets everything go on. */
function forward(report: WebSocketReport): WebSocketOrder[] {
  return "n" in report
    ? [{ kind: "release", from: report.from, n: report.n, isForwarded: true }]
    : [];
}

function spying(): Decider {
  return relaying([CONNECT, BEGIN], forward);
}

async function reportOf(reports: Inbox<WebSocketReport>, kind: string): Promise<WebSocketReport> {
  for (;;) {
    const report = await reports.next();
    if (report.kind === kind) return report;
  }
}

describe.each(CLIENTS)("%s", (_name, make) => {
  test("is mocked: gets what is ordered, and its frames are reported", async () => {
    const { order, reports } = relaying([
      { kind: "accept", protocol: "v2" },
      { kind: "send", to: "client", data: "welcome" },
      BEGIN,
    ]);
    const client = watch(make(NOWHERE, ["v1", "v2"]));
    expect(await client.messages.next()).toBe("welcome");
    expect(client.socket.protocol).toBe("v2");
    client.socket.send("text");
    client.socket.send(new Uint8Array([0, 255]));
    expect(await reports.next()).toEqual({ kind: "frame", from: "client", n: 0, data: "text" });
    const { data } = (await reports.next()) as { data?: unknown };
    expect(Buffer.from(data as Uint8Array).toString("hex")).toBe("00ff");
    await order(
      { kind: "send", to: "client", data: new Uint8Array([1, 2]) },
      { kind: "close", to: "client", code: 4321, reason: "why" },
    );
    expect(await client.messages.next()).toBe("0102");
    expect(await client.closed).toEqual({ code: 4321, reason: "why" });
  });

  test("talks to the real server as if nobody stood in between, and closes as it does", async () => {
    const server = await openRealServer({ handleProtocols: () => "v2" });
    const { reports } = spying();
    const client = watch(make(`${server.url}/chat`, ["v1", "v2"]));
    const real = await server.next();
    await client.opened;
    expect(client.socket.protocol).toBe("v2");
    expect(client.socket.extensions).toBe("");
    real.socket.send("from the server");
    real.socket.send(Buffer.from([1, 0]));
    expect(await client.messages.next()).toBe("from the server");
    expect(await client.messages.next()).toBe("0100");
    client.socket.send("to the server");
    client.socket.send(new Uint8Array([2, 0]));
    expect(await real.messages.next()).toBe("to the server");
    expect(await real.messages.next()).toBe("0200");
    client.socket.close(4001, "enough");
    expect(await real.closed).toEqual({ code: 4001, reason: "enough" });
    expect(await client.closed).toEqual({ code: 4001, reason: "enough" });
    await reportOf(reports, "end");
  });

  test.each([
    [4002, "gone", { code: 4002, reason: "gone" }],
    [undefined, undefined, { code: 1005, reason: "" }],
  ])("is closed by the real server with %s", async (code, reason, expected) => {
    const server = await openRealServer();
    const { reports } = spying();
    const client = watch(make(server.url));
    const real = await server.next();
    real.socket.send("last");
    real.socket.close(code, reason);
    expect(await client.messages.next()).toBe("last");
    expect(await client.closed).toEqual(expected);
    await reportOf(reports, "end");
  });

  test("is cut when the real server is, with everything before it", async () => {
    const server = await openRealServer();
    const { reports } = spying();
    const client = watch(make(server.url));
    const real = await server.next();
    await client.opened;
    real.socket.send("last", () => real.socket.terminate());
    expect((await client.closed).code).toBe(1006);
    expect(client.messages.waiting).toEqual(["last"]);
    await reportOf(reports, "end");
  });

  test("has its frames dropped, replaced and injected, in order", async () => {
    const server = await openRealServer();
    relaying([CONNECT, BEGIN], (report) => {
      if (report.kind !== "frame" || report.data === "kept") return forward(report);
      const { from, n } = report;
      const to = from === "client" ? "server" : "client";
      const dropped: WebSocketOrder = { kind: "release", from, n, isForwarded: false };
      if (report.data === "dropped") return [dropped];
      return [{ kind: "send", to, data: `${String(report.data)}!` }, dropped];
    });
    const client = watch(make(server.url));
    const real = await server.next();
    await client.opened;
    for (const end of [client.socket, real.socket]) {
      for (const data of ["kept", "dropped", "changed", "kept"]) end.send(data);
    }
    for (const { messages } of [client, real]) {
      expect([await messages.next(), await messages.next(), await messages.next()]).toEqual([
        "kept",
        "changed!",
        "kept",
      ]);
    }
    client.socket.close();
    await real.closed;
  });

  test("fails as the real server does, before it is open", async () => {
    const { reports } = spying();
    const client = watch(make(await deadUrl()));
    await client.failed;
    expect(await reports.next()).toMatchObject({ kind: "failure", from: "server", n: 0 });
    await reportOf(reports, "end");
  });

  test("is open already when the real server is asked for later", async () => {
    const server = await openRealServer({ handleProtocols: (offered) => [...offered][0] ?? false });
    const { order, reports } = relaying([BEGIN], forward);
    const client = watch(make(server.url, ["v1", "v2"]));
    await client.opened;
    expect(client.socket.protocol).toBe("v1");
    client.socket.send("too early");
    await reports.next();
    await order(CONNECT, { kind: "send", to: "server", data: "first" });
    client.socket.send("second");
    const real = await server.next();
    expect(real.request.headers["sec-websocket-protocol"]).toBe("v1");
    expect(await real.messages.next()).toBe("first");
    expect(await real.messages.next()).toBe("second");
    real.socket.close(1000);
    expect((await client.closed).code).toBe(1000);
  });

  test("is cut when the real server is asked for later and is not there", async () => {
    const { order } = relaying([BEGIN], forward);
    const client = watch(make(await deadUrl()));
    await client.opened;
    await order(CONNECT);
    expect((await client.closed).code).toBe(1006);
  });

  test("is mocked in place of a real server that is not there", async () => {
    const { order, reports } = relaying([CONNECT, BEGIN]);
    const client = watch(make(await deadUrl(), ["v1"]));
    await reports.next();
    await order(
      { kind: "send", to: "client", data: "mock" },
      { kind: "release", from: "server", n: 0, isForwarded: false },
    );
    expect(await client.messages.next()).toBe("mock");
    expect(client.socket.protocol).toBe("v1");
    client.socket.close();
    await client.closed;
  });

  test("has its frames of 5 MB carried both ways", async () => {
    const server = await openRealServer();
    spying();
    const client = watch(make(server.url));
    const real = await server.next();
    await client.opened;
    client.socket.send(new Uint8Array(5_000_000));
    expect(await real.messages.next()).toBe("5000000 bytes");
    real.socket.send("x".repeat(5_000_000));
    expect(await client.messages.next()).toHaveLength(5_000_000);
    client.socket.close();
    await real.closed;
  });

  test("ends the dialling when it gives up meanwhile", async () => {
    const upgrade = deferred<NodeJS.EventEmitter>();
    const origin = await openHttpOrigin(() => {});
    origin.server.on("upgrade", (_request, socket) => {
      socket.on("error", () => {}).resume();
      upgrade.resolve(socket);
    });
    const { reports } = spying();
    const client = watch(make(origin.url.replace("http", "ws")));
    const ended = until(await upgrade.promise, "end");
    client.socket.close();
    await Promise.all([ended, client.failed]);
    await reportOf(reports, "end");
  });

  test("is refused when whoever decides is gone before it was open", async () => {
    const mock = relaying([]);
    const refused = watch(make(NOWHERE));
    (await mock.relay).abandon();
    await refused.failed;
  });
});

test("the real server sees the application's own handshake, and nobody is asked about it", async () => {
  const server = await openRealServer({ perMessageDeflate: true });
  spying();
  const headers = { Cookie: "a=1", Authorization: "Bearer x", "X-Twice": ["1", "2"] };
  const client = wsClient(`${server.url}/chat?a=1`, {
    origin: "https://app.example",
    headers,
  } as object);
  const { request, socket } = await server.next();
  expect([request.url, request.headers.cookie, request.headers.origin]).toEqual([
    "/chat?a=1",
    "a=1",
    "https://app.example",
  ]);
  expect(request.headers.authorization).toBe("Bearer x");
  expect(request.headers["x-twice"]).toBe("1, 2");
  expect(request.headers.host).toBe(new URL(server.url).host);
  expect(socket.extensions).toBe("permessage-deflate");
  expect(server.sockets.size).toBe(1);
  client.socket.close();
  await client.closed;
});

test("no compression is agreed on that the application does not offer", async () => {
  const server = await openRealServer({ perMessageDeflate: true });
  spying();
  const client = wsClient(server.url, { perMessageDeflate: false });
  const { socket, closed } = await server.next();
  expect(socket.extensions).toBe("");
  await client.opened;
  client.socket.close();
  await closed;
});

test.each<[string, { agent?: AgentOptions; ca?: string }]>([
  ["its own connection", { ca: CA }],
  ["an agent", { agent: { ca: CA } }],
  ["for an agent that has none", { agent: {}, ca: CA }],
])("TLS is that of the client: %s", async (_way, { agent: agentOptions, ...options }) => {
  const server = await openRealServer({ certificate: "localhost" });
  spying();
  if (agentOptions !== undefined) {
    const agent = new Agent(agentOptions);
    onTestFinished(() => agent.destroy());
    Object.assign(options, { agent });
  }
  const client = wsClient(server.url, options);
  const real = await server.next();
  real.socket.send("secret");
  expect(await client.messages.next()).toBe("secret");
  client.socket.close();
  await client.closed;
  const strict = new WsWebSocket(server.url);
  const [error] = await until(strict, "error");
  expect((error as NodeJS.ErrnoException).code).toMatch(/CERT|SIGNATURE/);
});

test("the connection is made by the agent that the client has", async () => {
  const server = await openRealServer();
  spying();
  const agent = new http.Agent();
  onTestFinished(() => agent.destroy());
  const made: unknown[] = [];
  const { createConnection } = agent as unknown as {
    createConnection: (...a: unknown[]) => unknown;
  };
  Object.assign(agent, {
    createConnection: (...args: unknown[]) => {
      made.push(args);
      return createConnection.apply(agent, args);
    },
  });
  const client = wsClient(server.url, { agent });
  await server.next();
  await client.opened;
  expect(made).toHaveLength(1);
  client.socket.close();
  await client.closed;
});

test("a refusal of the real server comes through as it is; withheld, the client is mocked", async () => {
  const origin = await openHttpOrigin(() => {});
  origin.server.on("upgrade", (_request, socket) => {
    socket.end("HTTP/1.1 403 No\r\ncontent-length: 4\r\nx-why: policy\r\n\r\nnope");
  });
  const url = origin.url.replace("http", "ws");
  let isForwarded = true;
  const { reports } = relaying([CONNECT, BEGIN], (report) => {
    return "n" in report ? [{ kind: "release", from: report.from, n: report.n, isForwarded }] : [];
  });
  expect(await refusalOf(new WsWebSocket(url))).toEqual({ status: 403, body: "nope" });
  expect(await reports.next()).toMatchObject({
    kind: "failure",
    message: expect.stringContaining("403"),
  });
  isForwarded = false;
  const client = wsClient(url);
  await client.opened;
  expect(client.socket.readyState).toBe(1);
  client.socket.close();
  await client.closed;
});

test("a real server that chooses no subprotocol fails the client, as without anybody in between", async () => {
  const server = await openRealServer({ handleProtocols: () => false });
  spying();
  const client = new WsWebSocket(server.url, ["v1"]);
  const [error] = await until(client, "error");
  expect((error as Error).message).toBe("Server sent no subprotocol");
});

test("a client that is cut has the real server cut", async () => {
  const server = await openRealServer();
  const { reports } = spying();
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  client.socket.terminate();
  expect((await real.closed).code).toBe(1006);
  await reportOf(reports, "end");
});

test("frames are not overtaken, in whatever order they are released", async () => {
  const server = await openRealServer();
  const { order, reports } = relaying([CONNECT, BEGIN]);
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  for (const data of ["0", "1", "2"]) real.socket.send(data);
  real.socket.close(4000);
  for (let n = 0; n < 4; n++) await reportOf(reports, n < 3 ? "frame" : "close");
  const release = (n: number): WebSocketOrder => ({
    kind: "release",
    from: "server",
    n,
    isForwarded: true,
  });
  await order(release(3), release(2), release(1), release(1));
  await turn();
  expect(client.messages.waiting).toEqual([]);
  await order(release(0));
  expect((await client.closed).code).toBe(4000);
  expect(client.messages.waiting).toEqual(["0", "1", "2"]);
});

const FLOOD = 200;

/** Until nothing moves any more, as far as whoever looks can see. */
async function settled(look: () => number): Promise<void> {
  for (let before = -1; before !== look();) {
    before = look();
    for (let i = 0; i < 20; i++) await turn();
  }
}

test("the real server waits when nobody releases its frames, and loses none", async () => {
  const server = await openRealServer();
  const { order, reports } = relaying([CONNECT, BEGIN]);
  const client = wsClient(server.url);
  const { socket } = await server.next();
  await client.opened;
  const data = Buffer.alloc(100_000);
  for (let i = 0; i < FLOOD; i++) socket.send(data);
  await reportOf(reports, "open");
  await until(() => reports.waiting.length > 40);
  await settled(() => reports.waiting.length);
  expect(reports.waiting.length).toBeLessThan(50);
  expect(socket.bufferedAmount).toBeGreaterThan(1_000_000);
  for (let n = 0; n < FLOOD; n++) {
    await reportOf(reports, "frame");
    await order({ kind: "release", from: "server", n, isForwarded: true });
  }
  await until(() => client.messages.waiting.length === FLOOD);
  client.socket.close();
  await client.closed;
});

test.each(["the real server", "the client"])(
  "%s waits when the other one does not read",
  async (who) => {
    const server = await openRealServer();
    const { reports } = spying();
    const client = wsClient(server.url);
    const real = await server.next();
    await client.opened;
    const [from, to] = who === "the client" ? [client, real] : [real, client];
    to.socket.pause();
    const data = Buffer.alloc(100_000);
    for (let i = 0; i < FLOOD; i++) from.socket.send(data);
    await until(() => reports.waiting.length > 5);
    await settled(() => reports.waiting.length);
    expect(from.socket.bufferedAmount).toBeGreaterThan(1_000_000);
    to.socket.resume();
    await until(() => to.messages.waiting.length === FLOOD);
    client.socket.close();
    await real.closed;
  },
);

test("whoever orders too much for the client to read is told when there is room", async () => {
  const { relay } = relaying([BEGIN]);
  const client = wsClient(NOWHERE);
  await client.opened;
  client.socket.pause();
  const data = Buffer.alloc(2_000_000);
  const room = (await relay).carryOut({ kind: "send", to: "client", data });
  expect(room).toBeInstanceOf(Promise);
  client.socket.resume();
  await room;
  expect(await client.messages.next()).toBe("2000000 bytes");
  client.socket.close();
});

test("pings are answered on either side, and reported to nobody", async () => {
  const server = await openRealServer();
  const { reports } = spying();
  const client = wsClient(server.url);
  const { socket, closed } = await server.next();
  await client.opened;
  const pongs = [until(socket, "pong"), until(client.socket, "pong")];
  socket.ping("a");
  client.socket.ping("b");
  await Promise.all(pongs);
  expect(reports.waiting.map(({ kind }) => kind)).toEqual(["open"]);
  client.socket.close();
  await closed;
});

test("when whoever decides is gone, a spied WebSocket goes on and a mocked one is closed", async () => {
  const server = await openRealServer();
  const spied = relaying([CONNECT, BEGIN]);
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  client.socket.send("held");
  await reportOf(spied.reports, "frame");
  (await spied.relay).abandon();
  client.socket.send("free");
  expect([await real.messages.next(), await real.messages.next()]).toEqual(["held", "free"]);
  real.socket.close(4000);
  expect((await client.closed).code).toBe(4000);
});

test("a mocked one is closed with 1011 when whoever decides is gone", async () => {
  const { relay } = relaying([BEGIN]);
  const client = wsClient(NOWHERE);
  await client.opened;
  (await relay).abandon();
  expect((await client.closed).code).toBe(1011);
});

test("the end of the capture cuts both sides", async () => {
  const server = await openRealServer();
  const { close } = capture(never, {
    decideWebSocket: () => ({
      kind: "relay",
      onRelay: (relay) => {
        relay.listen((report) => {
          for (const order of forward(report)) void relay.carryOut(order);
        });
        void relay.carryOut(CONNECT);
        void relay.carryOut(BEGIN);
      },
    }),
  });
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  await close();
  expect((await client.closed).code).toBe(1006);
  expect((await real.closed).code).toBe(1006);
});
