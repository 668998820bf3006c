// What the caller learns when a call fails: whose fault it was, what was thrown, and nothing about the machine.

import { inspect } from "node:util";
import { CrosswireError, IPCClient, IPCServer, isCrosswireError } from "crosswire";
import { describe, expect, test } from "vitest";
import { rejection } from "../fixtures/wait.ts";
import { openPair, openServer } from "./pair.ts";
import { WAYS } from "./ways.ts";

const SECRET = "at /home/somebody/secret/project.ts:1:1";

class OutOfStock extends Error {
  override readonly name = "OutOfStock";
  readonly code = "E_STOCK";
  readonly data = { item: "tea", left: 0 };
}

describe.each(WAYS)("$way", ({ open }) => {
  test("tells the caller name, code and data of what the handler threw", async () => {
    const way = await open();
    way.answer(() => {
      throw new OutOfStock("no tea today");
    });
    const error = await rejection(way.ask());
    expect(error).toBeInstanceOf(CrosswireError);
    expect(error).toMatchObject({
      code: "XW_REMOTE",
      path: way.path,
      message: expect.stringMatching(
        /^Request "way\/.*" to .* failed there: no tea today$/,
      ) as string,
      detail: { name: "OutOfStock", code: "E_STOCK", data: { item: "tea", left: 0 } },
    });
  });

  test("tells the caller what an async handler threw later", async () => {
    const way = await open();
    way.answer(async () => {
      await Promise.resolve();
      throw new TypeError("later");
    });
    await expect(way.ask()).rejects.toMatchObject({
      code: "XW_REMOTE",
      detail: { name: "TypeError" },
    });
  });

  test("carries a chain of causes across", async () => {
    const way = await open();
    way.answer(() => {
      const root = Object.assign(new RangeError("disk full"), { code: "ENOSPC", data: { mb: 0 } });
      throw new Error("cannot save", { cause: new Error("cannot write", { cause: root }) });
    });
    const { cause } = (await rejection(way.ask())) as CrosswireError;
    expect(cause).toBeInstanceOf(Error);
    expect(cause).toMatchObject({
      message: "cannot write",
      cause: { name: "RangeError", message: "disk full", code: "ENOSPC", data: { mb: 0 } },
    });
  });

  test("ends a chain of causes that bites its own tail", async () => {
    const way = await open();
    way.answer(() => {
      const error = new Error("round");
      throw Object.assign(error, { cause: error });
    });
    let depth = 0;
    for (let at: unknown = await rejection(way.ask()); at instanceof Error; at = at.cause) depth++;
    expect(depth).toBeGreaterThan(1);
    expect(depth).toBeLessThan(10);
  });

  test("keeps stacks on the side where they were made", async () => {
    const way = await open();
    way.answer(() => {
      const cause = Object.assign(new Error("inner"), { stack: `Error: inner\n${SECRET}` });
      throw Object.assign(new Error("outer", { cause }), { stack: `Error: outer\n${SECRET}` });
    });
    const error = await rejection(way.ask());
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  test("sends stacks along with exposeStacks", async () => {
    const way = await open({ server: { exposeStacks: true }, client: { exposeStacks: true } });
    way.answer(() => {
      throw Object.assign(new Error("outer"), { stack: `Error: outer\n${SECRET}` });
    });
    await expect(way.ask()).rejects.toMatchObject({
      detail: { name: "Error", stack: `Error: outer\n${SECRET}` },
    });
  });

  test.each([
    ["undefined", undefined, "undefined", undefined],
    ["null", null, "null", null],
    ["a string", "just text", "just text", "just text"],
    ["a number", 42, "42", 42],
    ["an object", { reason: "because" }, '{"reason":"because"}', { reason: "because" }],
    ["a symbol", Symbol("odd"), "Symbol(odd)", undefined],
    ["a BigInt", 7n, "7", undefined],
  ])("fails the call when the handler throws %s", async (_what, thrown: unknown, message, data) => {
    const way = await open();
    way.answer(() => Promise.reject(thrown));
    const error = (await rejection(way.ask())) as CrosswireError;
    expect(error.code).toBe("XW_REMOTE");
    expect(error.message).toContain(`failed there: ${message}`);
    expect(error.detail).toEqual({ name: "NonError", ...(data === undefined ? {} : { data }) });
  });

  test("fails the call when not even the message of what was thrown can be read", async () => {
    const way = await open();
    way.answer(() => {
      throw Object.defineProperty(new Error("hidden"), "message", {
        get: () => {
          throw new Error("unreadable");
        },
      });
    });
    await expect(way.ask(undefined, 2_000)).rejects.toMatchObject({ code: "XW_REMOTE" });
  });

  test("leaves data behind that cannot be sent, and sends the rest", async () => {
    const way = await open();
    way.answer(() => {
      throw Object.assign(new Error("odd data"), { data: { huge: 1n } });
    });
    const error = (await rejection(way.ask())) as CrosswireError;
    expect(error.detail).toEqual({ name: "Error" });
    expect(error.message).toContain("odd data");
  });

  test("cuts a message without end", async () => {
    const way = await open();
    way.answer(() => {
      throw new Error("long ".repeat(100_000));
    });
    const error = (await rejection(way.ask())) as CrosswireError;
    expect(error.message.length).toBeLessThan(20_000);
    expect(error.message).toContain("long long");
  });

  test("is XW_REMOTE also when the handler throws a CrosswireError of its own", async () => {
    const way = await open();
    way.answer(() => {
      throw new CrosswireError("XW_TIMEOUT", "the database is slow", { detail: { db: 1 } });
    });
    const error = await rejection(way.ask());
    expect(isCrosswireError(error, "XW_REMOTE")).toBe(true);
    expect(error).toMatchObject({
      detail: { name: "CrosswireError", code: "XW_TIMEOUT", data: { db: 1 } },
    });
  });

  test("names the property of a payload that cannot be sent", async () => {
    const way = await open();
    way.answer((payload) => payload);
    await expect(way.ask({ user: { scores: [1, 2n] } })).rejects.toMatchObject({
      code: "XW_ENCODE",
      message: expect.stringContaining('"user.scores[1]" is a BigInt') as string,
    });
    // Nothing was sent, and nothing is broken.
    expect(await way.ask("next")).toBe("next");
  });

  test("names the place of a reference back", async () => {
    const way = await open();
    const parent: Record<string, unknown> = { list: [{}] };
    parent["list"] = [{ parent }];
    await expect(way.ask(parent)).rejects.toMatchObject({
      code: "XW_ENCODE",
      message: expect.stringMatching(/"list\[0\]\.parent" is a reference back/) as string,
    });
  });

  test.each([
    ["a function", () => 1, /The value itself is a function/],
    ["a symbol", Symbol("x"), /The value itself is a symbol/],
    ["a typed array that is not bytes", new Float64Array(2), /Float64Array would arrive as/],
  ])("refuses %s as a payload", async (_what, payload, message) => {
    const way = await open();
    await expect(way.ask(payload)).rejects.toMatchObject({
      code: "XW_ENCODE",
      message: expect.stringMatching(message) as string,
    });
  });

  test("names the property of a result that cannot be sent", async () => {
    const way = await open();
    way.answer(() => ({ rows: [{ id: 1 }, { id: 2n }] }));
    await expect(way.ask()).rejects.toMatchObject({
      code: "XW_ENCODE",
      path: way.path,
      message: expect.stringContaining('"rows[1].id" is a BigInt') as string,
    });
  });

  test("names the path that has no handler, and says that none is there", async () => {
    const way = await open();
    await expect(way.ask()).rejects.toMatchObject({
      code: "XW_NO_HANDLER",
      path: way.path,
      message: expect.stringContaining(
        `there is no handler for "${way.path}". It has request handlers for nothing`,
      ) as string,
    });
  });
});

test("no handler: the error lists those that are there", async () => {
  const { server, client } = await openPair();
  const asked = IPCServer.defineRequest("errors/asked");
  for (let n = 0; n < 12; n++) {
    server.onFrameworkMessage(IPCServer.defineRequest(`errors/path-${n}`), () => n);
  }
  const { message } = (await rejection(client.sendFrameworkRequest(asked))) as CrosswireError;
  expect(message).toContain('"errors/path-0", "errors/path-1"');
  expect(message).toContain("and 2 more");
});

test.each(["constructor", "__proto__", "toString", "hasOwnProperty"])(
  "no handler: %s finds nothing on a prototype",
  async (path) => {
    const { client } = await openPair();
    const request = IPCServer.defineRequest(path);
    await expect(client.sendFrameworkRequest(request)).rejects.toMatchObject({
      code: "XW_NO_HANDLER",
    });
  },
);

test("no client of this runtimeId: the error lists those that are connected", async () => {
  const { server } = await openPair();
  const request = IPCClient.defineRequest("errors/nobody");
  await expect(server.sendFrameworkMessage("worker-9", request)).rejects.toMatchObject({
    code: "XW_NO_PEER",
    maybeDelivered: false,
    message: expect.stringMatching(/No client "worker-9" is connected; .*"worker-1"/) as string,
  });
});

test("no client at all: the error says so, also for messages and streams", async () => {
  const server = await openServer();
  const message = IPCClient.defineMessage("errors/message");
  const stream = IPCClient.defineStream("errors/stream");
  expect(() => server.sendMessage("w", message)).toThrow(/nobody is connected/);
  expect(String(await rejection(server.openStream("w", stream).next()))).toMatch(
    /nobody is connected/,
  );
});

test("a call before connect() says what to do", async () => {
  const server = await openServer();
  const client = new IPCClient(server.getPort());
  const request = IPCServer.defineRequest("errors/early");
  await expect(client.sendFrameworkRequest(request)).rejects.toMatchObject({
    code: "XW_NOT_CONNECTED",
    message: expect.stringContaining("await client.connect() first") as string,
  });
});

test("a stream opened before connect() says so where it is read", async () => {
  const server = await openServer();
  const client = new IPCClient(server.getPort());
  const items = client.openStream(IPCServer.defineStream("errors/early-stream"));
  expect(await rejection(items.next())).toMatchObject({ code: "XW_NOT_CONNECTED" });
  expect(await items.next()).toEqual({ done: true, value: undefined });
});

test("a CrosswireError is an Error with a name, a code and a default text", () => {
  const error = new CrosswireError("XW_TIMEOUT");
  expect(error).toBeInstanceOf(Error);
  expect(String(error)).toBe("CrosswireError: The other side did not answer in time.");
  expect(Object.keys(error)).toEqual(["code"]);
});

test("isCrosswireError tells codes apart, and other things from errors", () => {
  const error = new CrosswireError("XW_TIMEOUT");
  expect(isCrosswireError(error)).toBe(true);
  expect(isCrosswireError(error, "XW_TIMEOUT")).toBe(true);
  expect(isCrosswireError(error, "XW_CLOSED")).toBe(false);
  for (const other of [new Error("x"), { code: "XW_TIMEOUT" }, null, undefined, "XW_TIMEOUT"]) {
    expect(isCrosswireError(other)).toBe(false);
  }
});
