// An answer that is there as a whole takes a shorter way to its client, which must not be able to tell.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import http, { type IncomingMessage, type InformationEvent } from "node:http";
import { text } from "node:stream/consumers";
import { Client, request } from "undici";
import { expect, onTestFinished, test } from "vitest";
import type { CapturedRequest } from "../../src/capture/decision.ts";
import { RequestBody } from "../../src/capture/request-body.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, rejection, turn, until } from "../fixtures/wait.ts";
import { CLIENTS } from "./clients.ts";
import { capture, NOWHERE, PASS, respond, textOf } from "./world.ts";

type Told = readonly [event: string, ...details: unknown[]];

function clientOf(): Client {
  const client = new Client(NOWHERE);
  onTestFinished(() => client.destroy());
  return client;
}

const GET = { path: "/", method: "GET" } as const;

test("every client gets all of a large one, at its own pace, and may change what it got", async () => {
  const body = Buffer.alloc(3_000_000, "a");
  capture(() => respond(body));
  for (const { send } of CLIENTS) {
    const reply = await send(NOWHERE);
    let length = 0;
    for await (const piece of reply.body) {
      length += piece.length;
      piece.fill(0);
      await turn();
    }
    expect(length).toBe(body.length);
  }
  expect(body.every((byte) => byte === 97)).toBe(true);
});

test("a request that is aborted before its answer has come gets none", async () => {
  const { asked } = capture(() => respond("ok"));
  for (const { send } of CLIENTS) {
    const abort = new AbortController();
    const failed = rejection(send(NOWHERE, { signal: abort.signal }));
    abort.abort();
    expect(await failed).toMatchObject({ name: expect.stringMatching(/Abort|Cancel/) as string });
  }
  await until(() => asked.every(({ signal }) => signal.aborted), "the signals");
});

test("a handler of undici that has enough is told the rest once it goes on", async () => {
  capture(() => respond("body", [["X-A", " 1 "]]));
  const told: Told[] = [];
  const turns = [deferred(), deferred(), deferred()];
  const tell = (...one: Told): boolean => {
    turns[told.push(one) - 1]?.resolve();
    return false;
  };
  let resume = (): void => {};
  const handler = {
    onConnect: () => {},
    onHeaders: (status: number, fields: Buffer[], goOn: () => void, message: string) => {
      resume = goOn;
      return tell("head", status, fields.map(String), message);
    },
    onData: (bytes: Buffer) => tell("data", String(bytes)),
    onComplete: (trailers: string[]) => tell("end", trailers),
    onError: (error: Error) => tell("error", error),
  };
  clientOf().dispatch(GET, handler);
  for (const [i, one] of turns.entries()) {
    await one.promise;
    await turn();
    expect(told).toHaveLength(i + 1);
    resume();
  }
  expect(told).toEqual([
    ["head", 200, ["X-A", "1", "content-length", "4"], "OK"],
    ["data", "body"],
    ["end", []],
  ]);
});

test("a handler of undici that throws at an answer hears of it as an error, and no more", async () => {
  capture(() => respond("body"));
  const thrown = new Error("mine");
  const failed = deferred<Error>();
  const told: string[] = [];
  const handler = {
    onConnect: () => {},
    onHeaders: () => {
      throw thrown;
    },
    onData: () => told.push("data") > 0,
    onComplete: () => told.push("end"),
    onError: (error: Error) => failed.resolve(error),
  };
  clientOf().dispatch(GET, handler);
  expect(await failed.promise).toBe(thrown);
  await turn();
  expect(told).toEqual([]);
});

test.each<{ what: string; sent: object; code: string }>([
  { what: "a field value", sent: { headers: { "x-a": "a\nb" } }, code: "UND_ERR_INVALID_ARG" },
  { what: "a method", sent: { method: "G T" }, code: "UND_ERR_INVALID_ARG" },
  { what: "a path", sent: { path: "/a b" }, code: "UND_ERR_INVALID_ARG" },
  { what: "an upgrade field", sent: { headers: { upgrade: "x" } }, code: "UND_ERR_INVALID_ARG" },
  {
    what: "a length",
    sent: { method: "POST", body: "abc", headers: { "content-length": "5" } },
    code: "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH",
  },
])("undici still complains of $what that cannot be", async ({ sent, code }) => {
  capture(() => respond("ok"));
  const failed = clientOf().request({ ...GET, ...sent });
  expect(await rejection(failed)).toMatchObject({ code });
});

test("who traces undici sees its answered requests", async () => {
  capture(() => respond("ok"));
  const seen: unknown[] = [];
  const onHeaders = (message: unknown): void =>
    void seen.push((message as { response: { statusCode: number } }).response.statusCode);
  subscribe("undici:request:headers", onHeaders);
  onTestFinished(() => void unsubscribe("undici:request:headers", onHeaders));
  await (await request(NOWHERE)).body.text();
  expect(seen).toEqual([200]);
});

test("a body that was read is answered with a stream", async () => {
  async function* echo(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    yield* body;
    yield Buffer.from("!");
  }
  const read = async ({ body }: CapturedRequest): Promise<AsyncIterable<Uint8Array>> =>
    echo([Buffer.from(await textOf(body()))] as unknown as AsyncIterable<Uint8Array>);
  capture(async (asked) =>
    respond(asked.url.endsWith("/read") ? await read(asked) : echo(asked.body())),
  );
  for (const { send } of CLIENTS) {
    for (const path of ["/read", "/reading"]) {
      const reply = await send(NOWHERE + path, { method: "POST", body: Buffer.from("sent") });
      expect(await reply.text()).toBe("sent!");
    }
  }
});

test("the body of a request that has gone on cannot be read any more", async () => {
  const origin = await openHttpOrigin((incoming, response) => void incoming.pipe(response));
  const { asked } = capture(() => PASS);
  for (const { send } of CLIENTS) {
    const reply = await send(origin.url, { method: "POST", body: Buffer.from("sent") });
    expect(await reply.text()).toBe("sent");
    const { body } = asked.at(-1) as CapturedRequest;
    expect(await rejection(textOf(body()))).toMatchObject({ code: "XW_CANCELLED" });
  }
});

test("a piece that a reader waits for goes on with the rest of the body", async () => {
  const next = deferred<Uint8Array>();
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("one");
    yield await next.promise;
    yield Buffer.from("three");
  }
  const body = new RequestBody(async () => pieces());
  const reader = body.read();
  await reader.next();
  const waiting = rejection(reader.next());
  const whole = textOf(body.whole());
  next.resolve(Buffer.from("two"));
  expect(await whole).toBe("onetwothree");
  expect(await waiting).toMatchObject({ code: "XW_CANCELLED" });
});

test("early hints reach a request that was relayed", async () => {
  const link = "</style.css>; rel=preload; as=style";
  const origin = await openHttpOrigin((_, response) => {
    response.writeEarlyHints({ link });
    response.end("real");
  });
  capture(() => ({ kind: "passthrough", patch: { headers: { "x-a": "1" } } }));
  const relayed = http.get(origin.url);
  const [hints] = (await until(relayed, "information")) as [InformationEvent];
  expect([hints.statusCode, hints.headers["link"]]).toEqual([103, link]);
  const [response] = (await until(relayed, "response")) as [IncomingMessage];
  expect(await text(response)).toBe("real");
});
