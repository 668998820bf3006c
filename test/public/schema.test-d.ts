// What is inferred from schemas, for the caller and for the handler. Read by tsc, never run.

import { IPCClient, IPCServer, type StandardSchema } from "crosswire";
import * as v from "valibot";
import { expectTypeOf, test } from "vitest";
import * as z from "zod";

declare const server: IPCServer;
declare const client: IPCClient;

test("zod: the caller gives what the schema takes, the handler gets what it makes of it", () => {
  const count = IPCServer.defineRequest("types/zod", {
    input: z.object({ since: z.string().transform((text) => new Date(text)) }),
    output: z.number().transform((total) => `${total} rows`),
  });
  const answer = client.sendFrameworkRequest(count, { since: "2026-01-01" });
  expectTypeOf(answer).toEqualTypeOf<Promise<string>>();
  server.onFrameworkMessage(count, (payload) => {
    expectTypeOf(payload).toEqualTypeOf<{ since: Date }>();
    return 3;
  });
  // @ts-expect-error the caller gives a string
  void client.sendFrameworkRequest(count, { since: new Date() });
  // @ts-expect-error the handler gives a number
  server.onFrameworkMessage(count, () => "3 rows");
});

test("zod: a coerced field takes unknown and gives its type", () => {
  const add = IPCServer.defineRequest("types/coerce", {
    input: z.object({ n: z.coerce.number() }),
  });
  void client.sendFrameworkRequest(add, { n: "1" });
  server.onFrameworkMessage(add, (payload) => {
    expectTypeOf(payload).toEqualTypeOf<{ n: number }>();
  });
});

test("zod: a field with a default may be left out by the caller only", () => {
  const list = IPCServer.defineRequest("types/default", {
    input: z.object({ limit: z.number().default(10) }),
  });
  void client.sendFrameworkRequest(list, {});
  server.onFrameworkMessage(list, (payload) => {
    expectTypeOf(payload.limit).toEqualTypeOf<number>();
  });
});

test("valibot: both sides are inferred, for requests of clients as well", () => {
  const resize = IPCClient.defineRequest("types/valibot", {
    input: v.pipe(
      v.string(),
      v.transform((text) => text.length),
    ),
    output: v.object({ ok: v.boolean() }),
  });
  const answer = server.sendFrameworkMessage("w", resize, "wide");
  expectTypeOf(answer).toEqualTypeOf<Promise<{ ok: boolean }>>();
  client.onFrameworkRequest(resize, (payload) => {
    expectTypeOf(payload).toEqualTypeOf<number>();
    return { ok: payload > 3 };
  });
  // @ts-expect-error the caller gives a string
  void server.sendFrameworkMessage("w", resize, 4);
});

test("without an input schema there is no payload, without an output schema no answer", () => {
  const only = IPCServer.defineRequest("types/output", { output: z.string() });
  expectTypeOf(client.sendFrameworkRequest(only)).toEqualTypeOf<Promise<string>>();
  const other = IPCServer.defineRequest("types/input", { input: z.string() });
  expectTypeOf(client.sendFrameworkRequest(other, "x")).toEqualTypeOf<Promise<void>>();
});

test("a message is inferred from its schema", () => {
  const note = IPCServer.defineMessage("types/note", {
    input: z.object({ at: z.string().transform(Number) }),
  });
  client.sendMessage(note, { at: "1" });
  server.onMessage(note, (payload) => {
    expectTypeOf(payload).toEqualTypeOf<{ at: number }>();
  });
  // @ts-expect-error the caller gives a string
  client.sendMessage(note, { at: 1 });
});

test("any Standard Schema fits", () => {
  expectTypeOf(z.string()).toExtend<StandardSchema<string, string>>();
  expectTypeOf(v.string()).toExtend<StandardSchema<string, string>>();
});
