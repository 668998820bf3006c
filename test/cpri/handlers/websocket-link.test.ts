// `ws.link` as users of MSW know it, from the application's WebSocket to the handler and to the real server.

import { describe, expect, test } from "vitest";
import {
  CLIENTS,
  deadUrl,
  openRealServer,
  type RealServer,
  watch,
  wsClient,
} from "../../capture/websocket-world.ts";
import { ws } from "../../../src/cpri/handlers/websocket-link.ts";
import type { WebSocketLinkConnection } from "../../../src/cpri/handlers/websocket-link.ts";
import type { WebSocketHandler } from "../../../src/cpri/handler.ts";
import { deferred, inbox, rejection, turn, until } from "../../fixtures/wait.ts";
import { handle } from "./websocket-join.ts";

const CHAT = "wss://chat.example.com/rooms/7";

type Listener = (connection: WebSocketLinkConnection) => unknown;

/** A handler for everything. */
function on(listener: Listener): WebSocketHandler {
  return ws.link("*").addEventListener("connection", listener);
}

/** A handler that connects to the real server first. */
function onSpied(listener: Listener): WebSocketHandler {
  return on((connection) => {
    connection.server.connect();
    return listener(connection);
  });
}

function textOf(data: string | ArrayBuffer): string {
  return typeof data === "string" ? data : Buffer.from(data).toString("hex");
}

async function spied(
  server: RealServer,
  listener: Listener,
): Promise<{
  client: ReturnType<typeof wsClient>;
  real: Awaited<ReturnType<RealServer["next"]>>;
  joined: ReturnType<typeof handle>;
}> {
  const joined = handle(onSpied(listener));
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  return { client, real, joined };
}

describe.each(CLIENTS)("%s", (_name, make) => {
  test("is mocked", async () => {
    const seen = inbox<string>();
    handle(
      ws
        .link("wss://chat.example.com/rooms/:room")
        .addEventListener("connection", ({ client, params, info }) => {
          client.send(
            `room ${String(params["room"])}, ${info.protocols.join("+")}, ${client.url.host}`,
          );
          client.addEventListener("message", ({ data }) => {
            client.send(`echo ${textOf(data)}`);
            if (data === "bye") client.close(4000, "bye");
          });
          client.addEventListener("close", ({ code, reason, wasClean }) => {
            seen.put(`${code} ${reason} ${wasClean}`);
          });
        }),
    );
    const client = watch(make(CHAT, ["v1", "v2"]));
    expect(await client.messages.next()).toBe("room 7, v1+v2, chat.example.com");
    expect(client.socket.protocol).toBe("v1");
    client.socket.send(new Uint8Array([1, 255]));
    client.socket.send("bye");
    expect(await client.messages.next()).toBe("echo 01ff");
    expect(await client.messages.next()).toBe("echo bye");
    expect(await client.closed).toEqual({ code: 4000, reason: "bye" });
    expect(await seen.next()).toBe("4000 bye true");
  });

  test("talks to the real server, with a handler that hears both and changes what it wants", async () => {
    const server = await openRealServer({ handleProtocols: () => "v2" });
    handle(
      onSpied(({ client, server: real }) => {
        real.addEventListener("open", () => real.send("from the handler"));
        client.addEventListener("message", (event) => {
          if (event.data !== "secret") return;
          event.preventDefault();
          real.send("***");
        });
        real.addEventListener("message", (event) => {
          if (event.data !== "spam") return;
          event.preventDefault();
          client.send("(removed)");
        });
      }),
    );
    const client = watch(make(server.url, ["v1", "v2"]));
    const real = await server.next();
    await client.opened;
    expect(client.socket.protocol).toBe("v2");
    for (const data of ["a", "secret", "b"]) client.socket.send(data);
    for (const data of ["from the handler", "a", "***", "b"]) {
      expect(await real.messages.next()).toBe(data);
    }
    for (const data of ["a", "spam", "b"]) real.socket.send(data);
    expect(await client.messages.next()).toBe("a");
    expect(await client.messages.next()).toBe("(removed)");
    expect(await client.messages.next()).toBe("b");
    client.socket.close(4001, "done");
    expect(await real.closed).toEqual({ code: 4001, reason: "done" });
  });

  test("has a large message carried through a handler", async () => {
    handle(on(({ client }) => client.addEventListener("message", ({ data }) => client.send(data))));
    const client = watch(make(CHAT));
    await client.opened;
    client.socket.send(new Uint8Array(1_000_000));
    expect(await client.messages.next()).toBe("1000000 bytes");
    client.socket.close();
    await client.closed;
  });
});

test("a WebSocket that no handler is for passes through", async () => {
  const server = await openRealServer();
  handle(ws.link("wss://chat.example.com/*").addEventListener("connection", () => {}));
  const client = wsClient(server.url);
  const real = await server.next();
  real.socket.send("real");
  expect(await client.messages.next()).toBe("real");
  client.socket.close();
  await client.closed;
});

test("a handler says what it is for", () => {
  const { kind, label, interest } = ws
    .link("https://chat.example.com/rooms/:room")
    .addEventListener("connection", () => {});
  expect([kind, label]).toEqual(["websocket", "WS wss://chat.example.com/rooms/:room"]);
  expect(interest).toMatchObject({ method: "GET", outline: "wss://chat.example.com/rooms/*" });
  expect(() => ws.link("*").addEventListener("message" as "connection", () => {})).toThrow(
    TypeError,
  );
});

test("text, bytes of all kinds and blobs are sent in the order in which they were given", async () => {
  const server = await openRealServer();
  const { client, real } = await spied(server, ({ client: app, server: to }) => {
    app.addEventListener("message", (event) => {
      if (event.data !== "go") return;
      const bytes = new Uint8Array([0, 1, 2, 3]);
      app.send(new Blob(["a slow blob"]));
      app.send(new Blob(["b"]));
      app.send(bytes.buffer);
      app.send(new DataView(bytes.buffer, 1, 2));
      app.send(bytes.subarray(2));
      bytes.fill(9);
      app.send("text");
      to.send(new Blob(["before go"]));
    });
    to.addEventListener("message", () => app.send(new Blob(["before hi"])));
  });
  client.socket.send("go");
  const expected = ["6120736c6f7720626c6f62", "62", "00010203", "0102", "0203", "text"];
  for (const data of expected) expect(await client.messages.next()).toBe(data);
  expect(await real.messages.next()).toBe(Buffer.from("before go").toString("hex"));
  expect(await real.messages.next()).toBe("go");
  real.socket.send("hi");
  expect(await client.messages.next()).toBe(Buffer.from("before hi").toString("hex"));
  expect(await client.messages.next()).toBe("hi");
  client.socket.close();
  await real.closed;
});

test("what cannot be sent, or is no code to close with, is a TypeError", async () => {
  const errors: unknown[] = [];
  handle(
    on(async ({ client, server }) => {
      const tried = [
        () => client.send(7 as unknown as string),
        () => client.send(null as unknown as string),
        () => client.close(999),
        () => client.close(1015),
        () => server.send("too early"),
        () => server.close(),
      ];
      for (const attempt of tried) errors.push(await rejection(Promise.resolve().then(attempt)));
      client.send("done");
    }),
  );
  const client = wsClient(CHAT);
  expect(await client.messages.next()).toBe("done");
  expect(errors.slice(0, 4).every((error) => error instanceof TypeError)).toBe(true);
  expect(errors.slice(4)).toMatchObject([
    { code: "XW_NOT_CONNECTED" },
    { code: "XW_NOT_CONNECTED" },
  ]);
  client.socket.close();
  await client.closed;
});

test("the real server can be asked for later; what was sent before does not reach it", async () => {
  const server = await openRealServer();
  handle(
    on(({ client, server: real }) => {
      client.addEventListener("message", ({ data }) => {
        if (data !== "connect") return;
        real.connect();
        real.send("at once");
        expect(() => real.connect()).toThrow(TypeError);
      });
    }),
  );
  const client = wsClient(server.url);
  await client.opened;
  client.socket.send("lost");
  client.socket.send("connect");
  const real = await server.next();
  expect(await real.messages.next()).toBe("at once");
  expect(await real.messages.next()).toBe("connect");
  client.socket.close();
  await real.closed;
});

test("how the real server closes is withheld from the client when it is prevented, and so is the other way round", async () => {
  const server = await openRealServer();
  const events: string[] = [];
  const { client, real, joined } = await spied(server, ({ client: app, server: origin }) => {
    origin.addEventListener("close", (event) => {
      event.preventDefault();
      events.push(`server ${event.code} ${event.reason}`);
      app.send("the server is gone");
      origin.connect();
    });
    app.addEventListener("close", (event) => {
      event.preventDefault();
      events.push(`client ${event.code}`);
      origin.send("the client is gone");
    });
  });
  real.socket.close(4444, "restart");
  expect(await client.messages.next()).toBe("the server is gone");
  const again = await server.next();
  client.socket.send("still here");
  expect(await again.messages.next()).toBe("still here");
  client.socket.close(4000);
  expect(await again.messages.next()).toBe("the client is gone");
  again.socket.close();
  await until(() => joined.reports.waiting.some(({ kind }) => kind === "close") || undefined);
  expect(events.slice(0, 2)).toEqual(["server 4444 restart", "client 4000"]);
});

test("a handler closes the real server without closing the client", async () => {
  const server = await openRealServer();
  const closes = inbox<number>();
  const { client, real } = await spied(server, ({ client: app, server: origin }) => {
    app.addEventListener("message", ({ data }) => (data === "close" ? origin.close() : undefined));
    origin.addEventListener("close", ({ code }) => {
      closes.put(code);
      app.send("closed");
      origin.send("into nothing");
    });
  });
  client.socket.send("close");
  expect(await client.messages.next()).toBe("closed");
  expect([await closes.next(), (await real.closed).code]).toEqual([1000, 1000]);
  expect(client.socket.readyState).toBe(1);
  client.socket.close();
  await client.closed;
});

test("a handler closes the client, and the real server with it", async () => {
  const server = await openRealServer();
  const { client, real } = await spied(server, ({ client: app }) => {
    app.addEventListener("message", () => app.close(1011, "broken"));
  });
  client.socket.send("break");
  expect(await client.closed).toEqual({ code: 1011, reason: "broken" });
  expect(await real.closed).toEqual({ code: 1011, reason: "broken" });
});

test("a handler cuts the client with 1006", async () => {
  handle(on(({ client }) => client.addEventListener("message", () => client.close(1006))));
  const client = wsClient(CHAT);
  await client.opened;
  client.socket.send("cut");
  expect((await client.closed).code).toBe(1006);
});

test("a real server that is not there is an error and a close; prevented, the client is mocked", async () => {
  const events: string[] = [];
  handle(
    onSpied(({ client, server: origin }) => {
      origin.addEventListener("error", (event) => {
        events.push(`error ${event.message}`);
        event.preventDefault();
        client.send("mock");
      });
      origin.addEventListener("close", ({ code }) => void events.push(`close ${code}`));
    }),
  );
  const client = wsClient(await deadUrl());
  expect(await client.messages.next()).toBe("mock");
  expect(events).toEqual([expect.stringContaining("ECONNREFUSED"), "close 1006"]);
  client.socket.close();
  await client.closed;
});

test("a real server that is not there fails the client when nobody prevents it", async () => {
  handle(onSpied(() => {}));
  const client = wsClient(await deadUrl());
  expect(await client.failed).toMatchObject({ message: expect.stringContaining("ECONNREFUSED") });
});

describe("a handler that fails", () => {
  const error = new Error("the handler is broken");
  test.each<[string, Listener]>([
    [
      "as it is asked",
      () => {
        throw error;
      },
    ],
    ["as it is asked, later", () => Promise.reject(error)],
    [
      "upon a message",
      ({ client }) => {
        client.addEventListener("message", () => {
          throw error;
        });
      },
    ],
    [
      "upon a message, later",
      ({ client }) => client.addEventListener("message", () => Promise.reject(error)),
    ],
  ])("closes the client with 1011 and is reported: %s", async (_when, listener) => {
    const { exceptions } = handle(on(listener));
    const client = wsClient(CHAT);
    await client.opened;
    if (client.socket.readyState === 1) client.socket.send("go");
    expect(await client.closed).toEqual({ code: 1011, reason: "the handler is broken" });
    expect(await exceptions.next()).toBe(error);
  });
});

test("several handlers hear the same connection in turn, and one that prevents a message is enough", async () => {
  const server = await openRealServer();
  const heard: string[] = [];
  const connections: WebSocketLinkConnection[] = [];
  const listening =
    (name: string): Listener =>
    (connection) => {
      connections.push(connection);
      connection.client.addEventListener("message", (event) => {
        heard.push(`${name} ${String(event.data)}`);
        if (event.data === `prevented by ${name}`) event.preventDefault();
        if (event.data === "stopped") event.stopPropagation();
        if (event.data === "stopped now") event.stopImmediatePropagation();
      });
      connection.client.addEventListener("message", () => void heard.push(`${name} too`));
    };
  handle(onSpied(listening("A")), on(listening("B")));
  const client = wsClient(server.url);
  const real = await server.next();
  await client.opened;
  const sent = ["prevented by A", "prevented by B", "stopped", "stopped now", "last"];
  for (const data of sent) client.socket.send(data);
  for (const data of sent.slice(2)) expect(await real.messages.next()).toBe(data);
  expect(connections[0]?.client).toBe(connections[1]?.client);
  const both = (data: string): string[] => [`A ${data}`, "A too", `B ${data}`, "B too"];
  expect(heard).toEqual([
    ...both("prevented by A"),
    ...both("prevented by B"),
    "A stopped",
    "A too",
    "A stopped now",
    ...both("last"),
  ]);
  client.socket.close();
  await real.closed;
});

test("listeners are removed, called once, or until a signal", async () => {
  const heard: string[] = [];
  handle(
    on(({ client }) => {
      const removed = (): void => void heard.push("removed");
      const controller = new AbortController();
      client.addEventListener("message", removed);
      client.removeEventListener("message", removed);
      client.addEventListener("message", () => void heard.push("once"), { once: true });
      client.addEventListener("message", { handleEvent: () => heard.push("object") });
      client.addEventListener("message", () => void heard.push("signal"), controller);
      client.addEventListener("message", () => {
        controller.abort();
        client.send("heard");
      });
    }),
  );
  const client = wsClient(CHAT);
  await client.opened;
  for (let i = 0; i < 2; i++) {
    client.socket.send("go");
    await client.messages.next();
  }
  expect(heard).toEqual(["once", "object", "signal", "object"]);
  client.socket.close();
  await client.closed;
});

test("a link knows its open clients and sends to all of them, or to all but some", async () => {
  const chat = ws.link("wss://chat.example.com/*");
  const first = deferred<WebSocketLinkConnection["client"]>();
  handle(
    chat.addEventListener("connection", ({ client }) => first.resolve(client)),
    // A second handler of the same link: nobody gets anything twice.
    chat.addEventListener("connection", () => {}),
  );
  const clients = [wsClient(CHAT), wsClient(CHAT), wsClient(CHAT)];
  await Promise.all(clients.map(({ opened }) => opened));
  expect(chat.clients.size).toBe(3);
  const one = await first.promise;
  expect(chat.clients.has(one)).toBe(true);
  chat.broadcast("all");
  chat.broadcastExcept(one, "but one");
  chat.broadcastExcept([one], Buffer.from([7]));
  chat.broadcast("end");
  const got: string[][] = [];
  for (const { messages, socket } of clients) {
    await until(() => messages.waiting.includes("end"));
    got.push([...messages.waiting]);
    socket.close();
  }
  expect(got.toSorted((a, b) => a.length - b.length)).toEqual([
    ["all", "end"],
    ["all", "but one", "07", "end"],
    ["all", "but one", "07", "end"],
  ]);
  await until(() => chat.clients.size === 0);
});

test("each client has an id of its own, and nothing is ordered once a connection has ended", async () => {
  const connections = inbox<WebSocketLinkConnection>();
  const { orders, reports } = handle(on((connection) => connections.put(connection)));
  const sockets = [wsClient(CHAT), wsClient(CHAT)];
  const [a, b] = [await connections.next(), await connections.next()];
  expect(a.client.id).not.toBe(b.client.id);
  await Promise.all(sockets.map(({ opened }) => opened));
  for (const { socket } of sockets) socket.terminate();
  await until(() => reports.waiting.filter(({ kind }) => kind === "end").length === 2);
  await turn();
  const before = orders.length;
  a.client.send("too late");
  a.client.close();
  expect(orders.length).toBe(before);
});
