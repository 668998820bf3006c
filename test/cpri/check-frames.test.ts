// What is said about a WebSocket, in every right shape and in many wrong ones.

import { expect, test } from "vitest";
import { WithBytes } from "../../src/wire/with-bytes.ts";
import {
  orderFromWire,
  orderToWire,
  reportFromWire,
  reportToWire,
} from "../../src/cpri/wire-frames.ts";
import type { WebSocketOrder, WebSocketReport } from "../../src/exchange/websocket.ts";

const bytes = new Uint8Array([1, 2]);

test.each<WebSocketOrder>([
  { kind: "accept", protocol: "" },
  { kind: "connect" },
  { kind: "begin" },
  { kind: "send", to: "client", data: "" },
  { kind: "send", to: "server", data: bytes },
  { kind: "close", to: "client", code: 1005, reason: "" },
  { kind: "terminate", to: "server" },
  { kind: "release", from: "client", n: 0, isForwarded: false },
])("the order %j goes over the wire as it is", (order) => {
  expect(orderFromWire(orderToWire(order))).toEqual(order);
});

test.each<WebSocketReport>([
  { kind: "frame", from: "client", n: 0, data: "" },
  { kind: "frame", from: "server", n: 7, data: bytes },
  { kind: "close", from: "client", n: 1, code: 1006, reason: "" },
  { kind: "open" },
  { kind: "failure", from: "server", n: 0, message: "" },
  { kind: "end" },
])("the report %j goes over the wire as it is", (report) => {
  expect(reportFromWire(reportToWire(report))).toEqual(report);
});

test.each<[unknown, string]>([
  [undefined, "the kind of an order"],
  [null, "the kind of an order"],
  ["begin", "the kind of an order"],
  [[], "the kind of an order"],
  [bytes, "the kind of an order"],
  [new WithBytes(null, bytes), "the kind of an order"],
  [{ kind: "frame", from: "client", n: 0, data: "x" }, "the kind of an order"],
  [{ kind: "accept" }, "a protocol"],
  [{ kind: "send", data: "x" }, "to: client or server"],
  [{ kind: "send", to: "both", data: "x" }, "to: client or server"],
  [{ kind: "send", to: "client" }, "text or bytes"],
  [{ kind: "send", to: "client", data: { 0: 1 } }, "text or bytes"],
  [{ kind: "close", to: "client", reason: "" }, "a code"],
  [{ kind: "close", to: "client", code: "1000", reason: "" }, "a code"],
  [{ kind: "close", to: "client", code: 1000 }, "a reason"],
  [{ kind: "terminate" }, "to: client or server"],
  [{ kind: "release", from: "client", isForwarded: true }, "a number n"],
  [{ kind: "release", from: "client", n: -1, isForwarded: true }, "a number n"],
  [{ kind: "release", from: "client", n: 0 }, "isForwarded"],
  [{ kind: "release", n: 0, isForwarded: true }, "from: client or server"],
])("the order %j is refused", (order, words) => {
  expect(() => orderFromWire(order as never)).toThrow(`A frame of cpri/ws-frame needs ${words}`);
});

test.each<[unknown, string]>([
  [undefined, "the kind of a report"],
  [7, "the kind of a report"],
  [{ kind: "begin" }, "the kind of a report"],
  [{ kind: "frame", from: "client", data: "x" }, "a number n"],
  [{ kind: "frame", from: "client", n: 0.5, data: "x" }, "a number n"],
  [{ kind: "frame", n: 0, data: "x" }, "from: client or server"],
  [{ kind: "frame", from: "client", n: 0 }, "text or bytes"],
  [{ kind: "close", from: "client", n: 0, code: null, reason: "" }, "a code"],
  [{ kind: "close", from: "client", n: 0, code: 1000, reason: 7 }, "a reason"],
  [{ kind: "failure", from: "server", n: 0 }, "a message"],
])("the report %j is refused", (report, words) => {
  expect(() => reportFromWire(report as never)).toThrow(`A frame of cpri/ws-frame needs ${words}`);
});
