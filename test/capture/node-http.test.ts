// What only node:http has: sockets, agents, timeouts of its own, and a body that waits to be asked for.

import http, { Agent, type IncomingMessage, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { deferred, rejection, until } from "../fixtures/wait.ts";
import type { CapturedRequest } from "../../src/capture/decision.ts";
import { capture, NOWHERE, PASS, respond, textOf } from "./world.ts";

const never = (): Promise<never> => new Promise(() => {});

async function answerOf(request: http.ClientRequest): Promise<string> {
  const [response] = await until(request, "response");
  return text(response as IncomingMessage);
}

const get = (url: string, options: RequestOptions = {}): Promise<string> =>
  answerOf(http.get(url, options));

test.each([
  {
    how: "destroy()",
    end: (request: http.ClientRequest) => request.destroy(),
    message: "socket hang up",
  },
  {
    how: "destroy(error)",
    end: (request: http.ClientRequest) => request.destroy(new Error("mine")),
    message: "mine",
  },
])("$how while it is decided ends a request at once", async ({ end, message }) => {
  const asked = deferred<AbortSignal>();
  capture(({ signal }) => {
    asked.resolve(signal);
    return never();
  });
  const request = http.get(NOWHERE);
  const failed = until(request, "error");
  const closed = until(request, "close");
  const signal = await asked.promise;
  end(request);
  expect(((await failed)[0] as Error).message).toBe(message);
  await closed;
  expect(signal.aborted).toBe(true);
});

test.each<{ how: string; options: RequestOptions; ms?: number }>([
  { how: "the option", options: { timeout: 20 } },
  { how: "setTimeout", options: {}, ms: 20 },
])(
  "a timeout set by $how fires while it is decided, and while the answer is awaited",
  async ({ options, ms }) => {
    const { asked } = capture(({ url }) => (url.endsWith("/never") ? never() : respond(silence())));
    async function* silence(): AsyncGenerator<Uint8Array> {
      await never();
      yield Buffer.alloc(0);
    }
    for (const path of ["/never", "/silent"]) {
      const request = http.get(`${NOWHERE}${path}`, options);
      request.on("error", () => {});
      if (ms !== undefined) request.setTimeout(ms);
      await until(request, "timeout");
      request.destroy();
    }
    expect(asked).toHaveLength(2);
  },
);

test("a body that waits to be told to continue is asked for by whoever reads it, and by nobody else", async () => {
  capture(async ({ url, body }) =>
    respond(url.endsWith("/read") ? await textOf(body()) : "unread"),
  );
  for (const path of ["/read", "/unread"]) {
    const headers = { expect: "100-continue", "content-length": 4 };
    const request = http.request(`${NOWHERE}${path}`, { method: "PUT", headers });
    let told = 0;
    request.on("continue", () => {
      told++;
      request.end("body");
    });
    request.flushHeaders();
    const answer = await answerOf(request);
    expect([answer, told]).toEqual(path === "/read" ? ["body", 1] : ["unread", 0]);
    request.on("error", () => {}).destroy();
  }
});

test("fields set late are seen, and so is what waits for a socket before it is written", async () => {
  const { asked } = capture(async ({ body }) => respond(await textOf(body())));
  const request = http.request(NOWHERE, { method: "POST" });
  request.setHeader("X-Late", "yes");
  request.on("socket", () => request.end("after the socket"));
  expect(await answerOf(request)).toBe("after the socket");
  expect(asked[0]?.headers).toContainEqual(["X-Late", "yes"]);
});

test("duplicate fields keep order and case", async () => {
  const { asked } = capture(() => respond("ok"));
  const headers = ["X-B", "1", "x-a", "2", "X-b", "3"] as unknown as RequestOptions["headers"];
  await get(NOWHERE, { headers });
  expect(asked[0]?.headers.filter(([name]) => /^x-/i.test(name))).toEqual([
    ["X-B", "1"],
    ["x-a", "2"],
    ["X-b", "3"],
  ]);
});

test("an agent with one socket serves answered and passed requests in turn on one connection", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  capture(({ url }) => (url.endsWith("/real") ? PASS : respond("answered")));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const paths = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? "/real" : "/answered"));
  const answers: string[] = [];
  for (const path of paths) answers.push(await get(origin.url + path, { agent }));
  expect(answers).toEqual(paths.map((path) => path.slice(1)));
  expect(origin.connections).toBe(1);
  expect([agent.sockets, agent.requests]).toEqual([{}, {}]);
});

test("a request with its own way to connect, or an agent of another kind, is caught too", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(({ url }) => (url.startsWith(NOWHERE) ? respond("answered") : PASS));
  const dial = ({ port }: { port?: unknown }): ReturnType<typeof connect> =>
    connect(Number(port), "127.0.0.1");
  const foreign = {
    addRequest(request: { onSocket(socket: unknown): void }, options: { port: number }): void {
      request.onSocket(dial(options));
    },
  } as unknown as Agent;
  const ways: RequestOptions[] = [
    { createConnection: dial },
    {
      createConnection: ((options: object, done: (error: null, socket: unknown) => void) => {
        setImmediate(() => done(null, dial(options)));
      }) as never,
    },
    { agent: foreign },
  ];
  for (const way of ways) {
    expect(await get(NOWHERE, way)).toBe("answered");
    expect(await get(origin.url, way)).toBe("real");
  }
  expect(asked).toHaveLength(2 * ways.length);
});

test("an agent with a method of its own that calls Node's is asked about once", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  const { asked } = capture(() => PASS);
  type Inner = { addRequest(...args: unknown[]): void };
  class Own extends Agent {
    addRequest(...args: unknown[]): void {
      (Agent.prototype as unknown as Inner).addRequest.apply(this, args);
    }
  }
  const agent = new Own();
  const request = http.get(origin.url, { agent });
  expect(await answerOf(request)).toBe("real");
  expect([asked.length, (request as unknown as { agent: unknown }).agent === agent]).toEqual([
    1,
    true,
  ]);
});

test("a server is asked by a request that passes whether to go on", async () => {
  const origin = await openHttpOrigin((request, response) => void request.pipe(response));
  capture(() => PASS);
  const headers = { expect: "100-continue", "content-length": 4 };
  const request = http.request(origin.url, { method: "PUT", headers });
  const told = until(request, "continue");
  request.flushHeaders();
  await told;
  const answer = answerOf(request);
  request.end("body");
  expect(await answer).toBe("body");
});

test("trailers arrive, those of a relayed request too", async () => {
  const origin = await openHttpOrigin((_, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("real");
    response.addTrailers({ "x-sum": "9" });
    response.end();
  });
  const patch = { headers: { "x-a": "1" } };
  capture(({ url }) =>
    url.startsWith(NOWHERE)
      ? {
          ...respond("body"),
          trailers: [
            ["X-Sum", "1"],
            ["X-Sum", "2"],
          ],
        }
      : { kind: "passthrough", patch },
  );
  for (const [url, sum] of [
    [NOWHERE, "1, 2"],
    [origin.url, "9"],
  ] as const) {
    const [response] = await until(http.get(url), "response");
    await text(response as IncomingMessage);
    expect((response as IncomingMessage).trailers).toEqual({ "x-sum": sum });
  }
});

test("events of a stream arrive one by one", async () => {
  const next = [deferred(), deferred()];
  async function* events(): AsyncGenerator<Uint8Array> {
    for (const [i, { promise }] of next.entries()) {
      await promise;
      yield Buffer.from(`data: ${i}\n\n`);
    }
  }
  capture(() => respond(events(), [["content-type", "text/event-stream"]]));
  // The head comes before there is an event.
  const [response] = (await until(http.get(NOWHERE), "response")) as [IncomingMessage];
  const end = until(response, "end");
  for (const [i, { resolve }] of next.entries()) {
    const event = until(response, "data");
    resolve();
    expect(String((await event)[0])).toBe(`data: ${i}\n\n`);
  }
  await end;
});

test("a slow reader holds back whoever sends, both ways", async () => {
  const piece = Buffer.alloc(64 * 1024);
  let produced = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      produced++;
      yield piece;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  capture(() => respond(endless()));
  const request = http.get(NOWHERE);
  const [response] = (await until(request, "response")) as [IncomingMessage];
  await until(() => produced > 0, "the first pieces");
  let before = -1;
  while (before !== produced) {
    before = produced;
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(produced).toBeLessThan(16);
  response.destroy();
});

test("an upload that nobody reads is held back", async () => {
  capture(({ body }) => respond(oneThenWait(body())));
  async function* oneThenWait(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk.subarray(0, 1);
      await never();
    }
  }
  const request = http.request(NOWHERE, { method: "POST" });
  request.on("error", () => {});
  request.flushHeaders();
  let written = 0;
  const piece = Buffer.alloc(64 * 1024);
  await until(request, "socket");
  while (request.write(piece) && written < 100) {
    written++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(written).toBeLessThan(16);
  request.destroy();
});

test.each([
  { by: "its head", decide: async () => respond("ok") },
  {
    by: "its body",
    decide: async ({ body }: CapturedRequest) => respond((await textOf(body())) || "ok"),
  },
])(
  "what was begun in the callback of a request decided by $by is caught as well",
  async ({ decide }) => {
    const { asked } = capture(decide);
    const second = deferred<string>();
    http.get(NOWHERE, (response) => {
      response
        .resume()
        .on("end", () => second.resolve(get(`${NOWHERE}/second`) as unknown as string));
    });
    expect(await second.promise).toBe("ok");
    expect(asked).toHaveLength(2);
  },
);

test("a tunnel and an upgrade to something else are nobody's exchange", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  origin.server.on("connect", (_, socket) => socket.end("HTTP/1.1 200 OK\r\n\r\n"));
  origin.server.on("upgrade", (_, socket) =>
    socket.end("HTTP/1.1 101 OK\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
  );
  const { asked } = capture(() => respond("answered"));
  const tunnel = http.request(origin.url, { method: "CONNECT", path: "a.example:443" }).end();
  await until(tunnel, "connect");
  const headers = { connection: "upgrade", upgrade: "x" };
  await until(http.get(origin.url, { headers }), "upgrade");
  expect(asked).toEqual([]);
});

test("a decision that takes too long is an exception that says so", async () => {
  capture(never, { decisionTimeoutMs: 10 });
  expect(await get(NOWHERE)).toContain("was not decided in 10 ms");
});

test("a client that gives up in the middle of an answer stops whoever produces it", async () => {
  const stopped = deferred();
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        yield Buffer.from("more");
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      stopped.resolve();
    }
  }
  const { asked } = capture(() => respond(endless()));
  const request = http.get(NOWHERE);
  const [response] = (await until(request, "response")) as [IncomingMessage];
  const broken = rejection(text(response));
  request.destroy();
  await Promise.all([broken, stopped.promise]);
  await until(() => asked[0]?.signal.aborted, "the signal");
});
