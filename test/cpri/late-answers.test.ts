// Answers that nobody gets: the stream of each is closed, and the body of its request is nobody's any more.

import { expect, test } from "vitest";
import { Abandonment } from "../../src/capture/abandonment.ts";
import { CpriIPC } from "../../src/cpri/cpri-ipc.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { answerBody } from "../../src/cpri/sender/answer-body.ts";
import type { IPCServer } from "../../src/ipc/server.ts";
import { deferred, inbox, until, within } from "../fixtures/wait.ts";
import { attachTo, hostileReceiver } from "./hostile-peers.ts";
import { failureOf, NOWHERE, pair } from "./world.ts";

/** Sooner than where nobody says anything: then a stream is kept for 10 s. */
const SOON_MS = 5_000;
const TIMEOUT_MS = 50;
const THERE = { kind: "respond", status: 204, headers: [] } as const;
const STREAMED = { kind: "respond", status: 200, headers: [], body: { stream: true } } as const;

/** Whether the time is up, also for who has asked somewhat before. */
function late(): () => boolean {
  const dueAt = performance.now() + TIMEOUT_MS;
  return () => performance.now() >= dueAt;
}

/** What is loaded with the first request may take longer than that. */
async function warm(): Promise<void> {
  while ((await fetch(NOWHERE, { method: "HEAD" })).status !== 204);
}

/** A stream in which nothing ever comes. */
function silent(onReturned: () => void): AsyncIterableIterator<Uint8Array> {
  return {
    next: () => new Promise(() => {}),
    return: () => {
      onReturned();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

interface Streamer {
  readonly server: IPCServer;
  /** The stream of its answer. */
  readonly cancelled: Promise<void>;
  /** How it is told that the body of a request is not to be had any more. */
  gone(id: string): Promise<unknown>;
}

/** A receiver that streams what it answers, and asks for the body of the request afterwards. */
async function streamer(decide: (id: string) => unknown): Promise<Streamer> {
  const cancelled = deferred();
  const senders = inbox<string>("a sender");
  const server = await hostileReceiver(({ id, method }) =>
    method === "HEAD" ? THERE : decide(id),
  );
  server.onClientConnect(({ runtimeId = "" }) => senders.put(runtimeId));
  server.onStream(CpriIPC.responseBody, () => silent(cancelled.resolve));
  const refusal = async (id: string): Promise<unknown> => {
    const sender = await senders.next();
    for (;;) {
      const body = server.openStream(sender, CpriIPC.requestBody, { id });
      const failed: unknown = await body.next().then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failed !== undefined) return failed;
    }
  };
  const gone = (id: string): Promise<unknown> => within(refusal(id), "a refusal", SOON_MS);
  return { server, cancelled: cancelled.promise, gone };
}

test("an answer that comes after the decision timed out is closed, and its request is over", async () => {
  const goOn = deferred();
  let asked = "";
  const { server, gone } = await streamer(async (id) => {
    asked = id;
    const isLate = late();
    await goOn.promise;
    await until(isLate);
    return STREAMED;
  });
  attachTo(server, { decisionTimeoutMs: TIMEOUT_MS });
  await warm();
  const reply = await fetch(NOWHERE, { method: "POST", body: "secret" });
  expect(reply.status).toBe(500);
  goOn.resolve();
  expect(await gone(asked)).toMatchObject({
    message: expect.stringContaining(`The request ${asked} is over`),
  });
});

test.each([204, 999])(
  "a stream of an answer that cannot have one (%i) is closed, and its request is over",
  async (status) => {
    const asked: string[] = [];
    const { server, cancelled, gone } = await streamer((id) => {
      asked.push(id);
      return { ...STREAMED, status };
    });
    attachTo(server);
    await fetch(NOWHERE, { method: "POST", body: "secret" });
    await within(cancelled, "the end of the stream", SOON_MS);
    expect(await gone(asked[0] ?? "")).toMatchObject({
      message: expect.stringContaining("is over"),
    });
  },
);

test("a stream that nobody begins to read is closed when the client gives up", async () => {
  const over = deferred<boolean>();
  const abandonment = new Abandonment();
  let isReturned = false;
  const body = silent(() => (isReturned = true));
  answerBody(body, abandonment, { over: over.resolve });
  abandonment.happen();
  expect([await within(over.promise, "the end"), isReturned]).toEqual([false, true]);
});

test("a handler that answers too late with a stream has it cancelled at once", async () => {
  const cancelled = deferred();
  const goOn = deferred();
  const stream = new ReadableStream<Uint8Array>({ cancel: () => cancelled.resolve() });
  const answer = async (): Promise<Response> => {
    const isLate = late();
    await goOn.promise;
    await until(isLate);
    return new Response(stream);
  };
  const there = http.head("*", () => new Response(null, { status: 204 }));
  await pair([there, http.get("*", answer)], {}, { decisionTimeoutMs: TIMEOUT_MS });
  await warm();
  expect((await fetch(NOWHERE)).status).toBe(500);
  goOn.resolve();
  await until(() => stream.locked, "the answer");
  await within(cancelled.promise, "the cancellation", SOON_MS);
});

test("a handler that answers with a stream after its client gave up has it cancelled at once", async () => {
  const [asked, abandoned, cancelled] = [deferred(), deferred(), deferred()];
  const gone = new AbortController();
  await pair([
    http.get("*", async ({ request }) => {
      request.signal.addEventListener("abort", () => abandoned.resolve());
      asked.resolve();
      await abandoned.promise;
      return new Response(new ReadableStream({ cancel: () => cancelled.resolve() }));
    }),
  ]);
  const reply = fetch(NOWHERE, { signal: gone.signal });
  await within(asked.promise, "the question");
  gone.abort();
  await failureOf(reply);
  await within(cancelled.promise, "the cancellation", SOON_MS);
});
