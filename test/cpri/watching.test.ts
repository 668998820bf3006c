// What those who watch see of answers that are streamed, and of requests that another receiver has answered.

import { request as httpRequest } from "node:http";
import { expect, test } from "vitest";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import type { LifeCycleName, ResponseEvent } from "../../src/cpri/receiver/life-cycle.ts";
import type { RemoteServer } from "../../src/cpri/receiver/remote-server.ts";
import { type Inbox, inbox, rejection, until } from "../fixtures/wait.ts";
import { failureOf, NOWHERE, pair, textAt, world } from "./world.ts";

const SEEN_BYTES = 64 * 1024;

/** The answers that a receiver hears of. */
async function answersOf(remote: RemoteServer): Promise<Inbox<ResponseEvent>> {
  const answers = inbox<ResponseEvent>("a response:mocked");
  remote.events.on("response:mocked", (event) => answers.put(event));
  await remote.sync();
  return answers;
}

/** A stream, and what puts pieces into it. */
function stream(): {
  readonly body: ReadableStream<Uint8Array>;
  readonly put: (piece: string | Uint8Array) => void;
  readonly end: () => void;
} {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  return {
    body,
    put: (piece) => controller.enqueue(Buffer.from(piece as Uint8Array)),
    end: () => controller.close(),
  };
}

test("a streamed answer is shown when it has ended, and the client need not wait for that", async () => {
  const { body, put, end } = stream();
  const { remote } = await pair([http.get("*", () => new Response(body, { status: 201 }))]);
  const answers = await answersOf(remote);
  const reader = ((await fetch(NOWHERE)).body as ReadableStream<Uint8Array>).getReader();
  for (const piece of ["one", "two"]) {
    put(piece);
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe(piece);
  }
  expect(answers.waiting).toEqual([]);
  end();
  await reader.read();
  const { response, ms } = await answers.next();
  expect([response.status, await response.text(), ms >= 0]).toEqual([201, "onetwo", true]);
});

test("of a long stream the beginning is shown, of a long text all of it", async () => {
  const long = "x".repeat(SEEN_BYTES + 10);
  const { body, put, end } = stream();
  const { remote } = await pair([
    http.get("*/stream", () => new Response(body)),
    http.get("*/text", () => HttpResponse.text(long)),
  ]);
  const answers = await answersOf(remote);
  const reply = textAt("/stream");
  for (let i = 0; i < 3; i++) put(`${i}`.repeat(30_000));
  end();
  expect((await reply).length).toBe(90_000);
  const shown = await (await answers.next()).response.text();
  expect([shown.length, shown.at(-1)]).toEqual([SEEN_BYTES, "2"]);
  expect(await textAt("/text")).toBe(long);
  expect(await (await answers.next()).response.text()).toBe(long);
});

test("a stream that the client has enough of is shown as far as it went", async () => {
  const { body, put } = stream();
  const { remote } = await pair([http.get("*", () => new Response(body))]);
  const answers = await answersOf(remote);
  const gone = new AbortController();
  const reply = await fetch(NOWHERE, { signal: gone.signal });
  put("data: 1");
  await (reply.body as ReadableStream<Uint8Array>).getReader().read();
  gone.abort();
  expect(await (await answers.next()).response.text()).toBe("data: 1");
});

test.each(["another receiver", "the application"])(
  "a stream that %s answers is shown as well, when it has ended",
  async (who) => {
    const { receiver, app } = world();
    const { body, put, end } = stream();
    const handler = http.get("*", () => new Response(body));
    const isOwn = who === "the application";
    app({}, isOwn ? [handler] : []);
    if (!isOwn) await receiver([handler]);
    // The youngest is asked first, and has no handler.
    const answers = await answersOf(await receiver());
    const reader = ((await fetch(NOWHERE)).body as ReadableStream<Uint8Array>).getReader();
    put("one");
    await reader.read();
    expect(answers.waiting).toEqual([]);
    end();
    await reader.read();
    expect(await (await answers.next()).response.text()).toBe("one");
  },
);

test("who watches hears of what a receiver has answered that was asked before", async () => {
  const { receiver, app } = world();
  app();
  const older = await receiver([http.get("*", () => HttpResponse.text("older"))]);
  await receiver([http.post("*/orders", () => HttpResponse.json({ id: 7 }))]);
  const told: string[] = [];
  const names: LifeCycleName[] = ["request:start", "request:match", "request:end"];
  for (const name of names) {
    older.events.on(name, ({ request }) => told.push(`${name} ${request.method} ${request.url}`));
  }
  const answers = await answersOf(older);
  const waited = older.waitForRequest(`POST ${NOWHERE}/orders`);
  expect(await textAt("/orders", { method: "POST", body: "a book" })).toBe('{"id":7}');
  expect(await (await waited).text()).toBe("a book");
  const { response, request, pid } = await answers.next();
  expect([await response.json(), await request.text(), pid]).toEqual([
    { id: 7 },
    "a book",
    process.pid,
  ]);
  expect(told).toEqual(names.map((name) => `${name} POST ${NOWHERE}/orders`));
  await older.idle();
  // Of one that it has answered itself it hears once.
  expect(await textAt("/mine")).toBe("older");
  await answers.next();
  expect(told).toHaveLength(6);
});

test("a request that may not leave because nobody wants it is called unhandled", async () => {
  const { remote } = await pair([], { onUnhandledRequest: "error" });
  const told = inbox<string>("an event");
  const names: LifeCycleName[] = ["request:match", "request:unhandled", "request:end"];
  for (const name of names) remote.events.on(name, () => told.put(name));
  await remote.sync();
  expect((await failureOf(fetch(NOWHERE))).code).toBe("ECONNREFUSED");
  expect([await told.next(), await told.next()]).toEqual(["request:unhandled", "request:end"]);
});

test("a body that did not ride along is not there for who was not asked, and that is said", async () => {
  const { receiver, app } = world();
  app();
  const older = await receiver();
  await receiver([http.post("*", () => HttpResponse.text("answered"))]);
  const waited = older.waitForRequest(`POST ${NOWHERE}/`);
  await older.sync();
  const [reply] = await until(httpRequest(NOWHERE, { method: "POST" }).end("data"), "response");
  (reply as NodeJS.ReadableStream).resume();
  expect(await rejection((await waited).text())).toMatchObject({
    message: expect.stringContaining("is over"),
  });
});
