// The socket that a request shows while it is decided for long, for clients whose timeouts begin with it.

import http, { Agent, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { Outcome } from "../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, until } from "../fixtures/wait.ts";
import { capture, NOWHERE, PASS, respond } from "./world.ts";

async function answerOf(request: http.ClientRequest): Promise<string> {
  const [response] = await until(request, "response");
  return text(response as IncomingMessage);
}

test.each(["answered", "real"])("shows how it is connected once its request is %s", async (end) => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const outcome = deferred<Outcome>();
  capture(() => outcome.promise);
  const request = http.get(origin.url);
  const [shown] = (await until(request, "socket")) as [Socket];
  expect(shown.connecting).toBe(true);
  const connected = until(shown, "connect");
  const ready = until(shown, "ready");
  const answer = answerOf(request);
  outcome.resolve(end === "real" ? PASS : respond("answered"));
  await Promise.all([connected, ready]);
  expect(await answer).toBe(end);
  expect(shown.connecting).toBe(false);
});

test("ends its request when it is destroyed, before and after the decision", async () => {
  const never = new Promise<never>(() => {});
  const outcome = deferred<Outcome>();
  async function* silence(): AsyncGenerator<Uint8Array> {
    await never;
    yield Buffer.alloc(0);
  }
  capture(() => outcome.promise);
  const early = http.get(NOWHERE);
  const [first] = (await until(early, "socket")) as [Socket];
  const failed = until(early, "error");
  first.destroy(new Error("enough"));
  expect(((await failed)[0] as Error).message).toBe("enough");

  const late = http.get(NOWHERE);
  const [second] = (await until(late, "socket")) as [Socket];
  const answered = until(late, "response");
  outcome.resolve(respond(silence()));
  const [response] = (await answered) as [IncomingMessage];
  const cut = until(response, "error");
  late.on("error", () => {});
  second.destroy();
  expect((await cut)[0]).toMatchObject({ code: "ECONNRESET" });
});

test("passes on the timeouts that are set on it", async () => {
  async function* silence(): AsyncGenerator<Uint8Array> {
    await new Promise(() => {});
    yield Buffer.alloc(0);
  }
  const outcome = deferred<Outcome>();
  capture(() => outcome.promise);
  const request = http.get(NOWHERE);
  request.on("error", () => {});
  const [shown] = (await until(request, "socket")) as [Socket];
  const answered = until(request, "response");
  outcome.resolve(respond(silence()));
  await answered;
  const timeout = until(shown, "timeout");
  shown.setTimeout(10);
  await timeout;
  request.destroy();
});

test("leaves nothing on a connection that is kept", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  let outcome = deferred<Outcome>();
  capture(() => outcome.promise);
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) {
    outcome = deferred();
    const request = http.get(origin.url, { agent });
    const closed = until(request, "close");
    await until(request, "socket");
    const real = until(request, "socket");
    const answer = answerOf(request);
    outcome.resolve(PASS);
    const [socket] = (await real) as [Socket];
    expect(await answer).toBe("real");
    await closed;
    counts.push(socket.listenerCount("connect") + socket.listenerCount("timeout"));
  }
  expect(origin.connections).toBe(1);
  expect(counts[2]).toBe(counts[1]);
});
