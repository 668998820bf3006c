// `ws.link` of MSW, and subscriptions of MSW 3, from the application's WebSocket to the handler and to the real server.

import { graphql as graphql3, type GraphQLLink } from "msw3/graphql";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openRealServer, watch, wsClient } from "../../capture/websocket-world.ts";
import { inbox } from "../../fixtures/wait.ts";
import { ws as ours } from "../../../src/cpri/index.ts";
import type { MswHandlerInput } from "../../../src/cpri/msw/msw-handler.ts";
import { handle } from "../handlers/websocket-join.ts";
import { listOf, take, VERSIONS } from "./versions.ts";

const CHAT = "wss://chat.example.com/rooms/7";

function adopt(...handlers: readonly MswHandlerInput[]): ReturnType<typeof handle> {
  return handle(...listOf(...handlers).webSockets());
}

function clientWith(url: string, protocols: string[]): ReturnType<typeof watch> {
  return watch(new WebSocket(url, protocols) as never);
}

describe.each(VERSIONS)("%s", (_name, { ws }) => {
  // Each link listens to a channel of MSW's own, which says so when there are many.
  const everything = ws.link("*");

  test("mocks a server", async () => {
    const closes = inbox<string>("a close");
    const link = ws.link("wss://chat.example.com/rooms/:room");
    const chat = link.addEventListener("connection", ({ client, params, info }) => {
      client.send(`room ${String(params["room"])}, ${String(info.protocols)}, ${client.url.host}`);
      client.addEventListener("message", ({ data }) => {
        client.send(data as string);
        if (data === "all") link.broadcast("to all");
        if (data === "bye") client.close(4000, "bye");
      });
      client.addEventListener("close", ({ code, reason }) => closes.put(`${code} ${reason}`));
    });
    adopt(
      ws.link("wss://other.example.com").addEventListener("connection", () => {
        throw new Error("It is for another one.");
      }),
      // As when it is used in each of several tests.
      ...[chat, chat],
    );
    const client = clientWith(CHAT, ["v1", "v2"]);
    expect(await client.messages.next()).toBe("room 7, v1,v2, chat.example.com");
    client.socket.send(new Uint8Array([1, 255]));
    client.socket.send("all");
    client.socket.send("bye");
    expect(await take(client.messages, 4)).toEqual(["01ff", "all", "to all", "bye"]);
    expect(await client.closed).toEqual({ code: 4000, reason: "bye" });
    expect(await closes.next()).toBe("4000 bye");
  });

  test("listens between the application and the real server, and changes what it wants", async () => {
    const server = await openRealServer();
    adopt(
      everything.addEventListener("connection", ({ client, server: real }) => {
        real.connect();
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
    const client = wsClient(server.url);
    const real = await server.next();
    await client.opened;
    for (const data of ["a", "secret"]) client.socket.send(data);
    expect(await real.messages.next()).toBe("a");
    expect(await real.messages.next()).toBe("***");
    for (const data of ["spam", "b"]) real.socket.send(data);
    expect(await client.messages.next()).toBe("(removed)");
    expect(await client.messages.next()).toBe("b");
    client.socket.close(4001, "done");
    expect(await real.closed).toEqual({ code: 4001, reason: "done" });
  });

  test("leaves alone what no handler is for", async () => {
    const server = await openRealServer();
    adopt(ws.link(`${server.url}/other`).addEventListener("connection", () => undefined));
    const client = wsClient(server.url);
    const real = await server.next();
    await client.opened;
    client.socket.send("real");
    expect(await real.messages.next()).toBe("real");
  });

  test("has several handlers, ours among them, of which each can keep an event from the others", async () => {
    const heard: string[] = [];
    adopt(
      ours.link("*").addEventListener("connection", ({ client }) => {
        client.addEventListener("message", (event) => {
          if (event.data === "stop at once") event.stopPropagation();
        });
      }),
      ws.link(CHAT).addEventListener("connection", ({ client }) => {
        client.addEventListener("message", (event) => {
          heard.push(`first ${String(event.data)}`);
          if (event.data === "stop") event.stopPropagation();
          if (event.data === "end") client.close();
        });
        client.addEventListener("message", () => heard.push("first again"));
      }),
      everything.addEventListener("connection", ({ client }) => {
        client.addEventListener("message", ({ data }) => heard.push(`second ${String(data)}`));
      }),
      ours.link("*").addEventListener("connection", ({ client }) => {
        client.addEventListener("message", (event) => {
          heard.push(`ours ${String(event.data)}`);
          if (event.data === "stop ours") event.stopPropagation();
        });
      }),
      everything.addEventListener("connection", ({ client }) => {
        client.addEventListener("message", ({ data }) => heard.push(`last ${String(data)}`));
      }),
    );
    const client = wsClient(CHAT);
    await client.opened;
    for (const data of ["go", "stop at once", "stop", "stop ours", "end"]) client.socket.send(data);
    await client.closed;
    expect(heard).toEqual([
      ...["first go", "first again", "second go", "ours go", "last go"],
      ...["first stop", "first again"],
      ...["first stop ours", "first again", "second stop ours", "ours stop ours"],
      ...["first end", "first again", "second end", "ours end", "last end"],
    ]);
  });

  test("closes with 1011 when a handler throws", async () => {
    const { exceptions } = adopt(
      everything.addEventListener("connection", () => {
        throw new Error("broken");
      }),
    );
    const client = wsClient(CHAT);
    expect(await client.closed).toEqual({ code: 1011, reason: "broken" });
    expect(await exceptions.next()).toEqual(new Error("broken"));
  });

  test("says which WebSockets a handler could want", () => {
    const outlineOf = ({ addEventListener }: typeof everything): string | undefined =>
      listOf(addEventListener("connection", () => undefined)).interests().websocket[0]?.outline;
    // MSW takes wss://a.io/socket.io/x/7 for wss://a.io/x/7.
    expect(outlineOf(ws.link("https://a.io/x/:y"))).toBe("wss://a.io/*x/**");
    expect(outlineOf(ws.link("wss://a.io/x/"))).toBe("wss://a.io/*x");
    expect(outlineOf(ws.link("wss://a.io"))).toBe("wss://a.io/*");
    expect(outlineOf(ws.link("*/x"))).toBe("*/*x");
    expect(outlineOf(ws.link(/x/))).toBe("*");
    expect(outlineOf(everything)).toBe("*");
  });
});

test("a subscription of MSW 3 is published to, and other WebSockets to its URL are left alone", async () => {
  const server = await openRealServer();
  const operations = inbox<string>("an operation");
  const link: GraphQLLink = graphql3.link(server.url);
  adopt(
    link.subscription("OnComment", ({ subscription }) => {
      subscription.publish({ data: { comment: { id: 7 } } } as never);
      subscription.complete();
    }),
    link.operation(({ operationName }) => operations.put(operationName)),
  );
  const { socket, messages, opened } = clientWith(server.url, ["graphql-transport-ws"]);
  await opened;
  socket.send(JSON.stringify({ type: "connection_init" }));
  for (const id of ["OnComment", "Other"]) {
    const query = `subscription ${id} { comment { id } }`;
    socket.send(JSON.stringify({ id, type: "subscribe", payload: { query } }));
  }
  expect(JSON.parse(await messages.next())).toEqual({ type: "connection_ack" });
  expect(JSON.parse(await messages.next())).toMatchObject({
    type: "next",
    payload: { data: { comment: { id: 7 } } },
  });
  expect(JSON.parse(await messages.next())).toMatchObject({ type: "complete" });
  expect(await operations.next()).toBe("Other");
  const other = clientWith(server.url, ["other"]);
  const real = await server.next();
  await other.opened;
  other.socket.send("real");
  expect(await real.messages.next()).toBe("real");
});
