// Answers that come piece by piece: how they arrive, break off, and are told that nobody reads them any more.

import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { request as undiciRequest } from "undici";
import { expect, test } from "vitest";
import type { Outcome } from "../../src/exchange/outcome.ts";
import type { Fields } from "../../src/exchange/request.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { deferred, rejection, until, within } from "../fixtures/wait.ts";
import { NOWHERE, pair, world } from "./world.ts";

/** Pieces that come when they are put, and whether somebody still wants them. */
function source(): {
  readonly stream: ReadableStream<Uint8Array>;
  readonly put: (piece: string) => void;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
  readonly cancelled: Promise<void>;
} {
  const cancelled = deferred();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => cancelled.resolve(),
  });
  return {
    stream,
    put: (piece) => controller.enqueue(Buffer.from(piece)),
    end: () => controller.close(),
    fail: (error) => controller.error(error),
    cancelled: cancelled.promise,
  };
}

/** What the client gets when everything is answered by this. */
async function by(answer: () => Response): Promise<Response> {
  await pair([http.all("*", answer)]);
  return within(fetch(`${NOWHERE}/`), "the answer");
}

async function pieceOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const { value } = await within(reader.read(), "a piece");
  return Buffer.from(value ?? []).toString();
}

test("a stream arrives piece by piece", async () => {
  const { stream, put, end } = source();
  const reply = await by(() => new Response(stream));
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  for (const piece of ["one", "two", "three"]) {
    put(piece);
    expect(await pieceOf(reader)).toBe(piece);
  }
  end();
  expect((await within(reader.read(), "the end")).done).toBe(true);
});

test("a stream that fails is cut off at the client", async () => {
  const { stream, put, fail } = source();
  const reply = await by(() => new Response(stream));
  put("one");
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  expect(await pieceOf(reader)).toBe("one");
  fail(new Error("the handler's stream broke"));
  await rejection(reader.read());
});

test("a stream that fails after more than rides along, before anybody reads it, is cut off as well", async () => {
  let pulls = 0;
  const reply = await by(
    () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            if (++pulls === 1) controller.enqueue(new Uint8Array(70_000));
            else controller.error(new Error("broken"));
          },
        }),
      ),
  );
  await rejection(reply.arrayBuffer());
});

test("events arrive one by one, and the stream of the handler is cancelled when the client goes", async () => {
  const { stream, put, cancelled } = source();
  const gone = new AbortController();
  await pair([
    http.get(
      "*/events",
      () => new Response(stream, { headers: { "content-type": "text/event-stream" } }),
    ),
  ]);
  const reply = await fetch(`${NOWHERE}/events`, { signal: gone.signal });
  expect(reply.headers.get("content-type")).toBe("text/event-stream");
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    put(event);
    expect(await pieceOf(reader)).toBe(event);
  }
  gone.abort();
  await within(cancelled, "the cancellation");
});

test("the signal of a request aborts when the client goes while the body of the answer is streamed", async () => {
  const { stream, put } = source();
  const gone = new AbortController();
  let signal: AbortSignal | undefined;
  await pair([
    http.get("*/events", ({ request }) => {
      ({ signal } = request);
      return new Response(stream);
    }),
  ]);
  const reply = await fetch(`${NOWHERE}/events`, { signal: gone.signal });
  put("one");
  await pieceOf((reply.body as ReadableStream<Uint8Array>).getReader());
  expect(signal?.aborted).toBe(false);
  gone.abort();
  await until(() => signal?.aborted, "the signal");
});

test("a stream that the client never began to read is cancelled when it goes", async () => {
  const { stream, put, cancelled } = source();
  const gone = new AbortController();
  await pair([http.get("*/big", () => new Response(stream))]);
  await fetch(`${NOWHERE}/big`, { signal: gone.signal });
  put("x".repeat(300_000));
  gone.abort();
  await within(cancelled, "the cancellation");
});

test("a stream for HEAD, or with a status that has no body, is cancelled", async () => {
  const { stream, cancelled } = source();
  await pair([http.all("*", () => new Response(stream))]);
  await fetch(NOWHERE, { method: "HEAD" });
  await within(cancelled, "the cancellation");
});

/** An answer that tells its trailers as soon as it is asked for them. */
function trailed(body: AsyncIterable<Uint8Array>, trailers: () => Fields): Outcome {
  return { kind: "respond", status: 200, headers: [["trailer", "x-sum"]], body, trailers };
}

/** What a client sees of an answer with trailers, its body first. */
const TRAILED: Readonly<Record<string, () => Promise<readonly [string, unknown]>>> = {
  "node:http": async () => {
    const [reply] = await until(httpRequest(NOWHERE).end(), "response");
    const incoming = reply as IncomingMessage;
    return [await text(incoming), incoming.trailers];
  },
  undici: async () => {
    const { body, trailers } = await undiciRequest(NOWHERE);
    return [await body.text(), trailers];
  },
};

test.each(Object.keys(TRAILED))(
  "trailers of a stream are asked for after its last piece, and reach the client: %s",
  async (client) => {
    const goOn = deferred();
    let sum = 0;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const piece of ["one", "two"]) {
        await goOn.promise;
        sum++;
        yield Buffer.from(piece);
      }
    }
    await pair([
      http.all("*", () => {
        // By then the head of the answer is on its way.
        setImmediate(() => setImmediate(goOn.resolve));
        return trailed(pieces(), () => [["x-sum", String(sum)]]);
      }),
    ]);
    expect(await TRAILED[client]?.()).toEqual(["onetwo", { "x-sum": "2" }]);
  },
);

test("trailers of a body that is too long to ride along come after it", async () => {
  const body = Buffer.alloc(300_000, "x");
  await pair([
    http.all("*", () => ({ ...trailed(source().stream, () => [["x-sum", "all"]]), body })),
  ]);
  const [reply] = await until(httpRequest(NOWHERE).end(), "response");
  const incoming = reply as IncomingMessage;
  expect(await text(incoming)).toBe(body.toString());
  expect(incoming.trailers).toEqual({ "x-sum": "all" });
});

test("a stream whose trailers cannot be told is cut off at the client", async () => {
  const { stream, put, end } = source();
  await pair([
    http.all("*", () =>
      trailed(stream, () => {
        throw new Error("no trailers");
      }),
    ),
  ]);
  const reply = await fetch(NOWHERE);
  put("one");
  const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
  expect(await pieceOf(reader)).toBe("one");
  end();
  await rejection(reader.read());
});

test("a stream of the application's own handler is cancelled when its answer has no body", async () => {
  const { stream, cancelled } = source();
  world().app({}, [http.head("*", () => new Response(stream))]);
  await fetch(NOWHERE, { method: "HEAD" });
  await within(cancelled, "the cancellation");
});
