// The handling end of a WebSocket by itself: what several listeners say to what is held, and what is ordered then.

import { expect, test } from "vitest";
import type { WebSocketOrder } from "../../src/exchange/websocket.ts";
import type { Release, WebSocketListener } from "../../src/cpri/websocket-connection.ts";
import { WebSocketSession } from "../../src/cpri/websocket-session.ts";

interface Opened {
  readonly session: WebSocketSession;
  readonly orders: WebSocketOrder[];
  readonly exceptions: unknown[];
}

function open(protocols = ""): Opened {
  const orders: WebSocketOrder[] = [];
  const exceptions: unknown[] = [];
  const session = new WebSocketSession(
    {
      id: "1",
      method: "GET",
      url: "wss://example.com/chat?a=1",
      headers: [["Sec-WebSocket-Protocol", protocols]],
      client: "websocket",
    },
    { order: (order) => orders.push(order), onException: (error) => exceptions.push(error) },
  );
  return { session, orders, exceptions };
}

function listener(overrides: Partial<WebSocketListener>): WebSocketListener {
  const forward = (release: Release): void => release(true);
  return {
    onFrame: (_from, _data, release) => forward(release),
    onClose: (_from, _close, release) => forward(release),
    onServerOpen: () => {},
    onServerError: (_message, release) => forward(release),
    ...overrides,
  };
}

test("it knows where the application wants to go, and which subprotocols it offers", () => {
  const { session } = open("v1, v2,");
  expect([session.location.href, session.protocols]).toEqual([
    "wss://example.com/chat?a=1",
    ["v1", "v2"],
  ]);
});

test("a frame is released once all listeners have, and is forwarded when none is against it", () => {
  const { session, orders } = open();
  const late: Release[] = [];
  session.report({ kind: "frame", from: "client", n: 0, data: "unheard" });
  session.listen(listener({ onFrame: (_from, _data, release) => void late.push(release) }));
  session.listen(listener({ onFrame: (_from, data, release) => release(data !== "drop") }));
  session.report({ kind: "frame", from: "client", n: 1, data: "keep" });
  session.report({ kind: "frame", from: "client", n: 2, data: "drop" });
  session.report({ kind: "close", from: "server", n: 0, code: 1000, reason: "" });
  for (const release of late) for (let i = 0; i < 2; i++) release(true);
  expect(orders).toEqual([
    { kind: "release", from: "client", n: 0, isForwarded: true },
    { kind: "release", from: "server", n: 0, isForwarded: true },
    { kind: "release", from: "client", n: 1, isForwarded: true },
    { kind: "release", from: "client", n: 2, isForwarded: false },
  ]);
});

test("a listener that throws drops the frame and closes the client; the others hear it all the same", () => {
  const { session, orders, exceptions } = open();
  const error = new Error(`broken ${"é".repeat(100)}`);
  const heard: unknown[] = [];
  session.listen(
    listener({
      onFrame: () => {
        throw error;
      },
    }),
  );
  session.listen(
    listener({
      onFrame: (_from, data, release) => {
        heard.push(data);
        release(true);
      },
    }),
  );
  session.report({ kind: "frame", from: "server", n: 0, data: "x" });
  expect([exceptions, heard]).toEqual([[error], ["x"]]);
  const reason = `broken ${"é".repeat(58)}`;
  expect(orders).toEqual([
    { kind: "close", to: "client", code: 1011, reason },
    { kind: "release", from: "server", n: 0, isForwarded: false },
  ]);
});

test("without the catching end, what was open is cut, and nothing is ordered any more", () => {
  const { session, orders } = open();
  const closed: string[] = [];
  session.listen(
    listener({
      onClose: (from, { code }, release) => {
        closed.push(`${from} ${code}`);
        release(true);
        session.send("client", "too late");
      },
    }),
  );
  session.report({ kind: "open" });
  session.report({ kind: "close", from: "client", n: 0, code: 1000, reason: "" });
  orders.length = 0;
  session.lose();
  session.lose();
  expect([closed, orders]).toEqual([["client 1000", "server 1006"], []]);
});
