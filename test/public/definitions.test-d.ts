// What the compiler refuses and infers about requests and messages. Read by tsc, never run.

import {
  type CallContext,
  IPCClient,
  type IPCClientRequest,
  IPCServer,
  type IPCServerRequest,
} from "crosswire";
import { expectTypeOf, test } from "vitest";

interface Order {
  readonly id: string;
  readonly amount: number;
}

const placeOrder = IPCServer.defineRequest<Order, { readonly total: number }>("types/place");
const restart = IPCClient.defineRequest<{ readonly hard: boolean }, string>("types/restart");
const ping = IPCServer.defineRequest<void, "pong">("types/ping");
const wake = IPCClient.defineRequest<void, void>("types/wake");
const maybe = IPCServer.defineRequest<Order | undefined, void>("types/maybe");
const log = IPCServer.defineMessage<string>("types/log");
const reload = IPCClient.defineMessage<{ readonly file: string }>("types/reload");
const beat = IPCClient.defineMessage<void>("types/beat");

declare const server: IPCServer;
declare const client: IPCClient;
declare const signal: AbortSignal;
declare const order: Order;

test("a definition carries its side, its payload and its answer", () => {
  expectTypeOf(placeOrder).toEqualTypeOf<IPCServerRequest<Order, { readonly total: number }>>();
  expectTypeOf(restart).toEqualTypeOf<IPCClientRequest<{ readonly hard: boolean }, string>>();
  expectTypeOf(placeOrder).toExtend<string>();
});

test("an answer has the type of its definition", () => {
  const total = client.sendFrameworkRequest(placeOrder, order);
  expectTypeOf(total).toEqualTypeOf<Promise<{ readonly total: number }>>();
  const done = server.sendFrameworkMessage("w", restart, { hard: true });
  expectTypeOf(done).toEqualTypeOf<Promise<string>>();
});

test("a handler gets the payload and the context of its definition", () => {
  server.onFrameworkMessage(placeOrder, (payload, context) => {
    expectTypeOf(payload).toEqualTypeOf<Order>();
    expectTypeOf(context).toEqualTypeOf<CallContext>();
    return { total: payload.amount };
  });
  client.onFrameworkRequest(restart, async (payload) => {
    expectTypeOf(payload).toEqualTypeOf<{ readonly hard: boolean }>();
    return "done";
  });
});

test("a request of the other side is refused", () => {
  // @ts-expect-error the client answers this one
  void client.sendFrameworkRequest(restart, { hard: true });
  // @ts-expect-error the server answers this one
  void server.sendFrameworkMessage("w", placeOrder, order);
  // @ts-expect-error the client answers this one
  server.onFrameworkMessage(restart, () => "done");
  // @ts-expect-error the server answers this one
  client.onFrameworkRequest(placeOrder, () => ({ total: 1 }));
});

test("a message of the other side is refused", () => {
  // @ts-expect-error it goes to clients
  client.sendMessage(reload, { file: "a" });
  // @ts-expect-error it goes to the server
  server.sendMessage("w", log, "line");
  // @ts-expect-error it goes to the server
  server.broadcast(log, "line");
  // @ts-expect-error it goes to clients
  server.onMessage(reload, () => {});
  // @ts-expect-error it goes to the server
  client.onMessage(log, () => {});
});

test("a definition of another kind is refused", () => {
  // @ts-expect-error a message has no answer
  void client.sendFrameworkRequest(log, "line");
  // @ts-expect-error a request is no message
  client.sendMessage(placeOrder, order);
  // @ts-expect-error a request is no stream
  client.openStream(placeOrder, order);
  // @ts-expect-error a message has no answer
  server.onFrameworkMessage(log, () => {});
});

test("a bare string is refused", () => {
  // @ts-expect-error a string says nothing about its types
  void client.sendFrameworkRequest("types/place", order);
  // @ts-expect-error a string says nothing about its types
  void server.sendFrameworkMessage("w", "types/restart", { hard: true });
  // @ts-expect-error a string says nothing about its types
  server.onFrameworkMessage("types/place", () => ({ total: 1 }));
  // @ts-expect-error a string says nothing about its types
  client.sendMessage("types/log", "line");
});

test("a payload of another type is refused", () => {
  // @ts-expect-error the amount is a number
  void client.sendFrameworkRequest(placeOrder, { id: "1", amount: "2" });
  // @ts-expect-error the amount is missing
  void client.sendFrameworkRequest(placeOrder, { id: "1" });
  // @ts-expect-error there is no such property
  void server.sendFrameworkMessage("w", restart, { soft: true });
  // @ts-expect-error the message is a string
  client.sendMessage(log, 1);
  // @ts-expect-error the file is missing
  server.broadcast(reload, {});
});

test("a missing payload is refused", () => {
  // @ts-expect-error the payload is missing
  void client.sendFrameworkRequest(placeOrder);
  // @ts-expect-error the payload is missing
  void server.sendFrameworkMessage("w", restart);
  // @ts-expect-error the payload is missing
  client.sendMessage(log);
});

test("a payload that may be undefined may be left out", () => {
  expectTypeOf(client.sendFrameworkRequest(ping)).toEqualTypeOf<Promise<"pong">>();
  void client.sendFrameworkRequest(ping, undefined, { timeoutMs: 5 });
  void server.sendFrameworkMessage("w", wake);
  void client.sendFrameworkRequest(maybe);
  void client.sendFrameworkRequest(maybe, order);
  server.sendMessage("w", beat);
  // @ts-expect-error there is nothing to send
  void client.sendFrameworkRequest(ping, "payload");
});

test("a handler with another answer is refused", () => {
  // @ts-expect-error the total is a number
  server.onFrameworkMessage(placeOrder, () => ({ total: "1" }));
  // @ts-expect-error the total is missing
  server.onFrameworkMessage(placeOrder, async () => ({}));
  // @ts-expect-error an answer is missing
  client.onFrameworkRequest(restart, () => {});
  // @ts-expect-error the payload is an Order
  server.onFrameworkMessage(placeOrder, (payload: string) => ({ total: payload.length }));
});

test("a handler may answer with one case of a union", () => {
  type Found = { readonly ok: true; readonly url: string } | { readonly ok: false };
  const find = IPCServer.defineRequest<string, Found>("types/find");
  server.onFrameworkMessage(find, async (name) => {
    if (name === "") return { ok: false };
    return { ok: true, url: name };
  });
  // @ts-expect-error a found one has a url
  server.onFrameworkMessage(find, () => ({ ok: true }));
});

test("a timeout is a number or part of the options", () => {
  void client.sendFrameworkRequest(placeOrder, order, 500);
  void client.sendFrameworkRequest(placeOrder, order, { timeoutMs: 500, signal });
  void server.sendFrameworkMessage("w", restart, { hard: true }, 500);
  void server.sendFrameworkMessage("w", restart, { hard: true }, { idempotencyKey: "k" });
  // @ts-expect-error a timeout is a number
  void client.sendFrameworkRequest(placeOrder, order, "500");
  // @ts-expect-error there is no such option
  void client.sendFrameworkRequest(placeOrder, order, { timeout: 500 });
});

test("registering returns its undo, and a listener may be async", () => {
  expectTypeOf(server.onFrameworkMessage(ping, () => "pong")).toEqualTypeOf<() => void>();
  expectTypeOf(client.onMessage(beat, async () => {})).toEqualTypeOf<() => void>();
});

test("a broadcast is filtered by what is known of a client, and counts", () => {
  const count = server.broadcast(reload, { file: "a" }, (info) => info.runtimeId === "w");
  expectTypeOf(count).toEqualTypeOf<number>();
});

test("a definition without types takes and gives unknown", () => {
  const loose = IPCServer.defineRequest("types/loose");
  void client.sendFrameworkRequest(loose, 1);
  expectTypeOf(client.sendFrameworkRequest(loose)).toEqualTypeOf<Promise<unknown>>();
});

test("the options of a definition are checked", () => {
  IPCServer.defineRequest<void, void>("types/options", { timeoutMs: 1, codec: "rich" });
  // @ts-expect-error there is no such codec
  IPCServer.defineRequest<void, void>("types/codec", { codec: "xml" });
  // @ts-expect-error this is no Standard Schema
  IPCServer.defineRequest("types/schema", { input: { parse: () => 1 } });
});
