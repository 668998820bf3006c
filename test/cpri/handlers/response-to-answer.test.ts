// What handlers return becomes what is sent, whoever made it; and what cannot be sent says so.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test, vi } from "vitest";
import { Response as UndiciResponse } from "undici";
import { HttpResponse } from "../../../src/cpri/handlers/http-response.ts";
import { answerOf, outcomeOf } from "../../../src/cpri/handlers/response-to-answer.ts";
import { http } from "../../../src/cpri/handlers/http-handlers.ts";
import { type Answer, checkOutcome } from "../../../src/exchange/outcome.ts";

const LABEL = "GET /x";
const failure = (result: unknown): string => {
  const outcome = answerOf(result, LABEL);
  if (outcome.kind !== "exception") throw new Error(`It was ${outcome.kind}.`);
  expect(outcome.error).toBeInstanceOf(TypeError);
  return (outcome.error as Error).message;
};

async function textOf(result: unknown): Promise<string> {
  const { body = new Uint8Array() } = answerOf(result, LABEL) as Answer;
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("our own Response is sent without reading a stream", () => {
  const outcome = answerOf(HttpResponse.json({ a: "é" }, { status: 201 }), LABEL);
  expect(outcome).toMatchObject({ kind: "respond", status: 201, statusText: "Created" });
  expect((outcome as Answer).body).toEqual(Buffer.from('{"a":"é"}'));
  expect(checkOutcome(outcome, "GET")).toMatchObject({
    headers: [
      ["content-type", "application/json"],
      ["content-length", "10"],
    ],
  });
});

test.each([
  ["of the web", () => new Response("body")],
  ["of a package", () => new UndiciResponse("body")],
  ["cloned", () => new Response("body").clone()],
  ["with a stream", () => new HttpResponse(new Blob(["body"]).stream())],
  ["with a form", () => new HttpResponse(new URLSearchParams("body"))],
])("a Response %s is sent", async (_whose, make) => {
  expect(await textOf(make())).toMatch(/^body=?$/);
});

test("cookies are fields of their own, also those of copies that join them", () => {
  const headers = new Headers([
    ["set-cookie", "a=1; Expires=Thu, 01 Jan 2026"],
    ["x", "y"],
    ["set-cookie", "b=2"],
  ]);
  const expected = [
    ["x", "y"],
    ["set-cookie", "a=1; Expires=Thu, 01 Jan 2026"],
    ["set-cookie", "b=2"],
  ];
  const answer = answerOf(new HttpResponse(null, { headers }), LABEL) as Answer;
  expect(answer.headers).toHaveLength(3);
  expect(answer.headers).toEqual(expect.arrayContaining(expected));
  const joined = new Map([
    ["set-cookie", headers.getSetCookie().join(", ")],
    ["x", "y"],
  ]);
  const foreign = {
    [Symbol.toStringTag]: "Response",
    status: 200,
    statusText: "",
    url: "",
    body: null,
    headers: Object.assign(joined, { getSetCookie: () => headers.getSetCookie() }),
  };
  expect((answerOf(foreign, LABEL) as Answer).headers).toEqual(expected);
});

test("a Response.error() is a reset connection, and an outcome stays what it is", () => {
  expect(answerOf(Response.error(), LABEL)).toMatchObject({ kind: "error", code: "ECONNRESET" });
  const outcome = { kind: "passthrough" };
  expect(answerOf(outcome, LABEL)).toBe(outcome);
});

test("what fetch has decompressed is not called compressed", async () => {
  const server = createServer((_request, response) => {
    response.setHeader("content-encoding", "gzip").end(gzipSync("plain"));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const names = (answerOf(response, LABEL) as Answer).headers.map(([name]) => name);
  expect(names).not.toContain("content-encoding");
  expect(names).not.toContain("content-length");
  expect(await textOf(response)).toBe("plain");
  const kept = new HttpResponse(gzipSync("x"), { headers: { "content-encoding": "gzip" } });
  expect((answerOf(kept, LABEL) as Answer).headers).toEqual([["content-encoding", "gzip"]]);
});

test("who stops to read cancels the stream at once, also while it waits for more", async () => {
  const cancel = vi.fn();
  const response = new Response(new ReadableStream({ cancel, pull: () => new Promise(() => {}) }));
  const { body } = answerOf(response, LABEL) as Answer;
  const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  expect(cancel).toHaveBeenCalledOnce();
  expect(await waiting).toMatchObject({ done: true });
});

test("text in a stream is encoded, and what is no data fails", async () => {
  const streamOf = (chunk: unknown): Response =>
    new Response(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(chunk as Uint8Array);
          controller.close();
        },
      }),
    );
  expect(await textOf(streamOf("é"))).toBe("é");
  await expect(textOf(streamOf({}))).rejects.toThrow("consists of bytes");
});

test("a body that was read already cannot be sent", async () => {
  for (const response of [new Response("x"), HttpResponse.text("x")]) {
    await response.text();
    expect(failure(response)).toMatch(/^The handler GET \/x returned .* read already.*clone\(\)/);
  }
  const locked = new Response("x");
  locked.body?.getReader();
  expect(failure(locked)).toContain("read already");
});

test.each([
  ["an object that is no Response", { a: 1 }],
  ["a string", "text"],
  ["a number", 200],
  ["a function", () => {}],
  ["an iterable", (function* () {})()],
  ["a Request", new Request("http://a.io")],
])("%s is refused with the name of the handler", (_what, result) => {
  expect(failure(result)).toMatch(/^The handler GET \/x returned .*Return a Response such as/);
});

test("what a handler threw is an exception", () => {
  const handler = http.get("/x", () => {});
  const error = new Error("broken");
  expect(outcomeOf({ handler, error })).toEqual({ kind: "exception", error });
  expect(outcomeOf({ handler, result: HttpResponse.text("x") })).toMatchObject({ status: 200 });
});
