// Calls as users make them: who gets which answer, and what a payload keeps on its way.

import { IPCClient, IPCServer } from "crosswire";
import { describe, expect, test } from "vitest";
import { deferred, until } from "../fixtures/wait.ts";
import { openClient, openPair, WORKER } from "./pair.ts";
import { WAYS } from "./ways.ts";

const MIB = 1024 * 1024;

describe.each(WAYS)("$way", ({ open }) => {
  test("answers each of many calls in flight with its own result", async () => {
    const way = await open();
    const waiting: (() => void)[] = [];
    const count = 200;
    way.answer(async (n) => {
      const turn = deferred();
      waiting.push(turn.resolve);
      await turn.promise;
      return { double: Number(n) * 2 };
    });

    const answers = Promise.all(Array.from({ length: count }, (_, n) => way.ask(n)));
    await until(() => waiting.length === count, "all calls to arrive");
    for (const finish of waiting.reverse()) finish();

    expect(await answers).toEqual(Array.from({ length: count }, (_, n) => ({ double: n * 2 })));
  });

  test("starts handlers in the order of the calls", async () => {
    const way = await open();
    const started: unknown[] = [];
    way.answer((n) => void started.push(n));
    await Promise.all([0, 1, 2, 3, 4].map((n) => way.ask(n)));
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  test("takes an answer that is given synchronously", async () => {
    const way = await open();
    way.answer((text) => `${String(text)}!`);
    expect(await way.ask("now")).toBe("now!");
  });

  test.each([
    ["null", null],
    ["false", false],
    ["zero", 0],
    ["an empty string", ""],
    ["an empty object", {}],
    ["an empty list", []],
    ["text beyond ASCII", "żółć 漢字 🦄 \u2028\u2029 \u0000\n\r\t"],
    ["half a surrogate pair", "\ud83e-\udd84"],
    ["text that looks like a frame", "r:1:path:{}\nm::other:1"],
    ["keys of Object.prototype", { constructor: 1, toString: 2, hasOwnProperty: 3 }],
    ["deeply nested data", JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as unknown],
  ])("carries %s there and back", async (_what, value) => {
    const way = await open();
    way.answer((payload) => payload);
    expect(await way.ask(value)).toEqual(value);
  });

  test("carries undefined there and back", async () => {
    const way = await open();
    const payloads: unknown[] = [];
    way.answer((payload) => void payloads.push(payload));
    expect(await way.ask()).toBeUndefined();
    expect(payloads).toEqual([undefined]);
  });

  test("carries 1 MB of text there and back", async () => {
    const way = await open();
    const text = "0123456789abcdeü".repeat(MIB / 16);
    way.answer((payload) => payload);
    expect((await way.ask(text)) === text).toBe(true);
  });

  test("carries an object of 1 MB there and back", async () => {
    const way = await open();
    const rows = Array.from({ length: 20_000 }, (_, id) => ({
      id,
      name: `row number ${id}`,
      id2: id,
    }));
    way.answer((payload) => payload);
    expect(await way.ask(rows)).toEqual(rows);
  });

  test("carries bytes there and back as bytes", async () => {
    const way = await open();
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 256);
    way.answer((payload) => {
      expect(payload).toBeInstanceOf(Uint8Array);
      return (payload as Uint8Array).map((byte) => 255 - byte);
    });
    const answer = await way.ask(bytes);
    expect(answer).toBeInstanceOf(Uint8Array);
    expect([...(answer as Uint8Array)]).toEqual([...bytes.map((byte) => 255 - byte)]);
  });

  test("carries 1 MB of bytes there and back", async () => {
    const way = await open();
    const bytes = new Uint8Array(MIB).map((_, i) => (i * 31) % 256);
    way.answer((payload) => payload);
    const answer = (await way.ask(bytes)) as Uint8Array;
    expect(Buffer.compare(answer, bytes)).toBe(0);
  });

  test("sends only the window of a view on a larger buffer", async () => {
    const way = await open();
    way.answer((payload) => [...(payload as Uint8Array)]);
    const window = new Uint8Array([9, 9, 1, 2, 3, 9]).subarray(2, 5);
    expect(await way.ask(window)).toEqual([1, 2, 3]);
  });

  test.each([
    ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer, [1, 2, 3]],
    ["a Buffer", Buffer.from([4, 5]), [4, 5]],
    ["no bytes at all", new Uint8Array(0), []],
  ])("takes %s as bytes", async (_what, payload, expected) => {
    const way = await open();
    way.answer((received) => [received instanceof Uint8Array, ...(received as Uint8Array)]);
    expect(await way.ask(payload)).toEqual([true, ...expected]);
  });

  test("has copied bytes when the call returns, so they may be reused", async () => {
    const way = await open();
    way.answer((payload) => [...(payload as Uint8Array)]);
    const bytes = new Uint8Array([1, 2, 3]);
    const answer = way.ask(bytes);
    bytes.fill(0);
    expect(await answer).toEqual([1, 2, 3]);
  });

  test("lets a later handler of the same request take over", async () => {
    const way = await open();
    way.answer(() => "first");
    way.answer(() => "second");
    expect(await way.ask()).toBe("second");
  });
});

test("calls in both directions at once do not mix up their answers", async () => {
  const { server, client } = await openPair();
  const up = IPCServer.defineRequest<number, string>("calls/up");
  const down = IPCClient.defineRequest<number, string>("calls/down");
  server.onFrameworkMessage(up, async (n) => `up ${n}`);
  client.onFrameworkRequest(down, async (n) => `down ${n}`);
  const numbers = Array.from({ length: 50 }, (_, n) => n);

  const answers = await Promise.all(
    numbers.flatMap((n) => [
      client.sendFrameworkRequest(up, n),
      server.sendFrameworkMessage(WORKER, down, n),
    ]),
  );

  expect(answers).toEqual(numbers.flatMap((n) => [`up ${n}`, `down ${n}`]));
});

test("a handler may call back the side that called it", async () => {
  const { server, client } = await openPair();
  const order = IPCServer.defineRequest<string, string>("calls/order");
  const confirm = IPCClient.defineRequest<string, boolean>("calls/confirm");
  client.onFrameworkRequest(confirm, (item) => item === "tea");
  server.onFrameworkMessage(order, async (item, { runtimeId = "" }) => {
    const isConfirmed = await server.sendFrameworkMessage(runtimeId, confirm, item);
    return `${item}: ${isConfirmed}`;
  });
  expect(await client.sendFrameworkRequest(order, "tea")).toBe("tea: true");
});

test("a handler on the server knows which client asks", async () => {
  const { server, client } = await openPair();
  const whoAmI = IPCServer.defineRequest<void>("calls/who");
  server.onFrameworkMessage(whoAmI, (_, { path, runtimeId, clientId }) => ({
    path,
    runtimeId,
    clientId,
  }));
  expect(await client.sendFrameworkRequest(whoAmI)).toEqual({
    path: "calls/who",
    runtimeId: WORKER,
    clientId: server.clients()[0]?.clientId,
  });
});

test("an undone handler answers no more", async () => {
  const { server, client } = await openPair();
  const request = IPCServer.defineRequest<void, string>("calls/undone");
  const undo = server.onFrameworkMessage(request, () => "here");
  expect(await client.sendFrameworkRequest(request)).toBe("here");
  undo();
  await expect(client.sendFrameworkRequest(request)).rejects.toMatchObject({
    code: "XW_NO_HANDLER",
  });
});

test("the undo of a handler that was taken over leaves its successor", async () => {
  const { server, client } = await openPair();
  const request = IPCServer.defineRequest<void, string>("calls/successor");
  const undo = server.onFrameworkMessage(request, () => "old");
  server.onFrameworkMessage(request, () => "new");
  undo();
  expect(await client.sendFrameworkRequest(request)).toBe("new");
});

test("fifty clients each get their own answers", async () => {
  const { server } = await openPair();
  const request = IPCServer.defineRequest<number, string>("calls/many-clients");
  server.onFrameworkMessage(request, (n, { runtimeId }) => `${runtimeId} ${n}`);
  const ids = Array.from({ length: 50 }, (_, i) => `many-${i}`);
  const clients = await Promise.all(ids.map((id) => openClient(server, id)));
  const answers = await Promise.all(
    clients.map((each, n) => each.sendFrameworkRequest(request, n)),
  );
  expect(answers).toEqual(ids.map((id, n) => `${id} ${n}`));
});
