// Validation by schemas, shown with zod and valibot: checked where it is received, told to who sent it.

import { type CrosswireError, IPCClient, IPCServer, type TraceEvent } from "crosswire";
import * as v from "valibot";
import { expect, test } from "vitest";
import * as z from "zod";
import { inbox, rejection, until } from "../fixtures/wait.ts";
import { openPair, WORKER } from "./pair.ts";
import { collect } from "./stream-ways.ts";

const createUser = IPCServer.defineRequest("schema/create-user", {
  input: z.object({ name: z.string().min(2), age: z.number().int() }),
  output: z.object({ id: z.string() }),
});

const resize = IPCClient.defineRequest("schema/resize", {
  input: v.object({ width: v.number(), unit: v.picklist(["px", "em"]) }),
  output: v.object({ applied: v.boolean() }),
});

test("zod: a payload that fits reaches the handler", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(createUser, ({ name, age }) => ({ id: `${name}-${age}` }));
  const answer = await client.sendFrameworkRequest(createUser, { name: "Ada", age: 36 });
  expect(answer).toEqual({ id: "Ada-36" });
});

test("zod: a payload that does not fit never reaches the handler, and its issues are listed", async () => {
  const { server, client } = await openPair();
  let runs = 0;
  server.onFrameworkMessage(createUser, () => ({ id: String(++runs) }));
  const call = client.sendFrameworkRequest(createUser, { name: "A", age: "old" } as never);
  const error = (await rejection(call)) as CrosswireError;
  expect(error.code).toBe("XW_INVALID");
  expect(error.path).toBe("schema/create-user");
  expect(error.message).toMatch(/payload of "schema\/create-user" does not match its schema/);
  expect(error.message).toMatch(/name: .*; age: /);
  expect(error.detail).toEqual({
    issues: [
      { path: "name", message: expect.any(String) as string },
      { path: "age", message: expect.any(String) as string },
    ],
  });
  expect(runs).toBe(0);
});

test("zod: an answer that does not fit is refused at the caller", async () => {
  const { server, client } = await openPair();
  server.onFrameworkMessage(createUser, () => ({ id: 7 }) as never);
  const call = client.sendFrameworkRequest(createUser, { name: "Ada", age: 36 });
  const error = (await rejection(call)) as CrosswireError;
  expect(error.code).toBe("XW_INVALID");
  expect(error.message).toMatch(/^The answer to Request "schema\/create-user" to .* id: /);
  expect(error.detail).toMatchObject({ issues: [{ path: "id" }] });
});

test("valibot: both directions of a request of a client are checked", async () => {
  const { server, client } = await openPair();
  client.onFrameworkRequest(resize, ({ width }) => ({ applied: width > 10 }));
  const good = server.sendFrameworkMessage(WORKER, resize, { width: 20, unit: "px" });
  expect(await good).toEqual({ applied: true });

  const bad = server.sendFrameworkMessage(WORKER, resize, { width: 20, unit: "m" } as never);
  expect(await rejection(bad)).toMatchObject({
    code: "XW_INVALID",
    detail: { issues: [{ path: "unit" }] },
  });

  client.onFrameworkRequest(resize, () => ({ applied: "yes" }) as never);
  const odd = server.sendFrameworkMessage(WORKER, resize, { width: 20, unit: "px" });
  expect(await rejection(odd)).toMatchObject({
    code: "XW_INVALID",
    detail: { issues: [{ path: "applied" }] },
  });
});

test("what a schema makes of a value is what the receiver gets", async () => {
  const count = IPCServer.defineRequest("schema/count", {
    input: z.object({
      since: z.string().transform((text) => new Date(text)),
      limit: z.coerce.number().default(10),
      extra: z.string().optional(),
    }),
    output: z.number().transform((rows) => `${rows} rows`),
  });
  const { server, client } = await openPair();
  server.onFrameworkMessage(count, ({ since, limit }) => since.getUTCFullYear() + limit);
  const answer = await client.sendFrameworkRequest(count, { since: "2026-11-20T00:00:00Z" });
  expect(answer).toBe("2036 rows");
});

test("keys that a schema does not know are gone when the handler runs", async () => {
  const { server, client } = await openPair();
  let keys: string[] = [];
  server.onFrameworkMessage(createUser, (payload) => {
    keys = Object.keys(payload);
    return { id: "1" };
  });
  const payload = { name: "Ada", age: 36, isAdmin: true };
  await client.sendFrameworkRequest(createUser, payload);
  expect(keys).toEqual(["name", "age"]);
});

test("an asynchronous schema is waited for, on both sides", async () => {
  const taken = new Set(["root"]);
  const rename = IPCServer.defineRequest("schema/rename", {
    input: z.string().refine(async (name) => {
      await Promise.resolve();
      return !taken.has(name);
    }, "is taken"),
    output: v.pipeAsync(
      v.string(),
      v.transformAsync(async (text) => text.toUpperCase()),
    ),
  });
  const { server, client } = await openPair();
  server.onFrameworkMessage(rename, (name) => `renamed to ${name}`);
  expect(await client.sendFrameworkRequest(rename, "ada")).toBe("RENAMED TO ADA");
  expect(await rejection(client.sendFrameworkRequest(rename, "root"))).toMatchObject({
    code: "XW_INVALID",
    message: expect.stringContaining("is taken") as string,
  });
});

test("a schema that itself throws fails the call, not the process", async () => {
  const odd = IPCServer.defineRequest("schema/throws", {
    input: z.string().refine(() => {
      throw new Error("bug in the schema");
    }),
  });
  const { server, client } = await openPair();
  server.onFrameworkMessage(odd, () => {});
  expect(await rejection(client.sendFrameworkRequest(odd, "x"))).toMatchObject({
    code: "XW_REMOTE",
    message: expect.stringContaining("bug in the schema") as string,
  });
});

test("a long list of issues is cut in the message and whole in the detail", async () => {
  const many = IPCServer.defineRequest("schema/many", { input: z.array(z.number()) });
  const { server, client } = await openPair();
  server.onFrameworkMessage(many, () => {});
  const payload = Array.from({ length: 8 }, () => "x") as never[];
  const error = (await rejection(client.sendFrameworkRequest(many, payload))) as CrosswireError;
  expect(error.message).toContain("(and 3 more)");
  expect((error.detail as { issues: unknown[] }).issues).toHaveLength(8);
});

test("a message that does not fit is dropped before its listener, and seen in the trace", async () => {
  const note = IPCServer.defineMessage("schema/note", { input: z.object({ n: z.number() }) });
  const dropped: TraceEvent[] = [];
  const trace = (event: TraceEvent): void => {
    if (event.event === "frame:dropped") dropped.push(event);
  };
  const { server, client } = await openPair({ server: { trace } });
  const heard = inbox<number>();
  server.onMessage(note, ({ n }) => heard.put(n));
  client.sendMessage(note, { n: "one" } as never);
  client.sendMessage(note, { n: 2 });
  expect(await heard.next()).toBe(2);
  await until(() => dropped.length === 1, "the drop to be traced");
  expect(dropped[0]).toMatchObject({
    type: "m",
    reason: expect.stringMatching(/does not match its schema: n: /) as string,
  });
});

test("the payload of a stream is checked before it is produced", async () => {
  const rows = IPCServer.defineStream("schema/rows", { input: z.object({ table: z.string() }) });
  const { server, client } = await openPair();
  let runs = 0;
  server.onStream(rows, async function* () {
    yield ++runs;
  } as never);
  const stream = client.openStream(rows, { table: 5 } as never);
  expect(await rejection(stream.next())).toMatchObject({
    code: "XW_INVALID",
    detail: { issues: [{ path: "table" }] },
  });
  expect(runs).toBe(0);
});

test("each item of a stream is checked and changed where it is read", async () => {
  const days = IPCServer.defineStream("schema/days", {
    output: z.string().transform((text) => text.length),
  });
  const { server, client } = await openPair();
  server.onStream(days, () => ["a", "bb", "ccc"]);
  expect(await collect(client.openStream(days))).toEqual([1, 2, 3]);
});

test("an item that does not fit ends the stream and stops its producer", async () => {
  const numbers = IPCServer.defineStream("schema/numbers", { output: v.number() });
  const { server, client } = await openPair();
  const left = inbox<string>();
  server.onStream(numbers, async function* () {
    try {
      yield 1;
      yield "two" as never;
      for (let n = 3; ; n++) yield n;
    } finally {
      left.put("left");
    }
  });
  const stream = client.openStream(numbers);
  expect((await stream.next()).value).toBe(1);
  expect(await rejection(stream.next())).toMatchObject({ code: "XW_INVALID" });
  expect(await left.next()).toBe("left");
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});
