// What handlers say, and what the client of the application gets: every outcome over the wire.

import { request as httpRequest, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type { HandlerInput, HandlerResult } from "../../src/cpri/handler.ts";
import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { networkError } from "../../src/cpri/handlers/network-error.ts";
import { passthrough } from "../../src/cpri/handlers/passthrough.ts";
import type { Outcome } from "../../src/exchange/outcome.ts";
import { openHttpOrigin } from "../engine/http-origin.ts";
import { nextWarning, until, within } from "../fixtures/wait.ts";
import { failureOf, NOWHERE, pair, textAt } from "./world.ts";

/** Everything is answered by this. */
function always(answer: () => HandlerResult | Promise<HandlerResult>): HandlerInput {
  return http.all("*", () => answer());
}

async function by(answer: () => HandlerResult | Promise<HandlerResult>): Promise<Response> {
  await pair([always(answer)]);
  return within(fetch(`${NOWHERE}/`), "the answer");
}

function bytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i % 251);
}

test("text and JSON come with their status and their fields", async () => {
  await pair([
    http.get("*/text", () =>
      HttpResponse.text("näh", { status: 201, statusText: "Made", headers: { "x-one": "1" } }),
    ),
    http.get("*/json", () => HttpResponse.json({ id: 7 })),
  ]);
  const reply = await fetch(`${NOWHERE}/text`);
  expect([reply.status, reply.statusText, reply.headers.get("x-one")]).toEqual([201, "Made", "1"]);
  expect(reply.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await reply.text()).toBe("näh");
  const json = await fetch(`${NOWHERE}/json`);
  expect(json.headers.get("content-type")).toBe("application/json");
  expect(await json.json()).toEqual({ id: 7 });
});

test("a body has the same bytes, whatever its size, as a whole and as a stream", async () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, 5_000_000];
  await pair([
    http.get("*/whole/:size", ({ params }) =>
      HttpResponse.arrayBuffer(bytes(Number(params["size"]))),
    ),
    http.get("*/stream/:size", ({ params }) => {
      const all = bytes(Number(params["size"]));
      return new Response(new Blob([all]).stream());
    }),
  ]);
  for (const size of sizes) {
    for (const kind of ["whole", "stream"]) {
      const reply = await fetch(`${NOWHERE}/${kind}/${size}`);
      const got = new Uint8Array(await within(reply.arrayBuffer(), `${kind} ${size}`));
      expect(got.length, `${kind} ${size}`).toBe(size);
      expect(Buffer.compare(got, bytes(size)), `${kind} ${size}`).toBe(0);
    }
  }
});

test.each(["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "ENOTFOUND"])(
  "a network error %s is what the client sees",
  async (code) => {
    await pair([always(() => networkError(code))]);
    expect((await failureOf(fetch(NOWHERE))).code).toBe(code);
    const [error] = await until(httpRequest(NOWHERE).end(), "error");
    expect((error as NodeJS.ErrnoException).code).toBe(code);
  },
);

test("Response.error() is a reset", async () => {
  await pair([always(() => HttpResponse.error())]);
  expect((await failureOf(fetch(NOWHERE))).code).toBe("ECONNRESET");
});

test("passthrough lets a request go, and changes what its patch says", async () => {
  const origin = await openHttpOrigin((incoming, response) => {
    response.end(`${incoming.method} ${incoming.url} ${String(incoming.headers["x-patched"])}`);
  });
  await pair([
    http.get("*/as-it-is", () => passthrough()),
    http.get(`${NOWHERE}/elsewhere`, () =>
      passthrough({ url: `${origin.url}/there`, method: "PUT", headers: { "x-patched": "yes" } }),
    ),
  ]);
  const asItIs = await fetch(`${origin.url}/as-it-is`);
  expect(await asItIs.text()).toBe("GET /as-it-is undefined");
  expect(await textAt("/elsewhere")).toBe("PUT /there yes");
});

test("what no handler wants goes to the network", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("network"));
  await pair([
    http.all("*", () => undefined),
    http.all("*", () => ({ kind: "unhandled" }) satisfies Outcome),
  ]);
  const reply = await fetch(origin.url, { method: "POST", body: "x" });
  expect(await reply.text()).toBe("network");
});

test("what a handler throws is a 500 with the error as JSON, and a warning in the test", async () => {
  const warned = nextWarning();
  const reply = await by(() => {
    throw new RangeError("of the handler");
  });
  expect(reply.status).toBe(500);
  expect(await reply.json()).toEqual({ error: "of the handler", name: "RangeError" });
  expect((await warned).message).toMatch(
    /^The handler any method \* failed: RangeError: of the handler/,
  );
});

test.each([
  ["a status of 599 is sent", 599, 599, ""],
  ["a status of 600 is refused", 600, 500, "A response cannot have the status 600"],
  ["a status of 101 is refused", 101, 500, "A response cannot have the status 101"],
])("%s", async (_, status, seen, message) => {
  const reply = await by(() => ({ kind: "respond", status, headers: [], body: new Uint8Array() }));
  expect(reply.status).toBe(seen);
  expect(await reply.text()).toContain(message);
});

test("an answer to HEAD, a 204 and a 304 have no body, and do not disturb what comes next", async () => {
  await pair([
    http.head("*", () => HttpResponse.text("never sent", { headers: { "content-length": "10" } })),
    http.get("*/204", () => new Response(null, { status: 204 })),
    http.get("*/304", () => new Response(null, { status: 304, headers: { etag: "1" } })),
    http.get("*/next", () => HttpResponse.text("next")),
  ]);
  const head = await fetch(NOWHERE, { method: "HEAD" });
  expect([head.headers.get("content-length"), await head.text()]).toEqual(["10", ""]);
  for (const status of [204, 304]) {
    const reply = await fetch(`${NOWHERE}/${status}`);
    expect([reply.status, await reply.text()]).toEqual([status, ""]);
    expect(await textAt("/next")).toBe("next");
  }
});

test("several cookies stay several", async () => {
  const reply = await by(() => {
    const headers = new Headers();
    headers.append("set-cookie", "a=1; Path=/");
    headers.append("set-cookie", "b=2, with a comma");
    return new Response("", { headers });
  });
  expect(reply.headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2, with a comma"]);
});

test("a compressed body is sent as it is, and read by the client", async () => {
  const packed = gzipSync("unpacked");
  await pair([always(() => new Response(packed, { headers: { "content-encoding": "gzip" } }))]);
  expect(await textAt("/")).toBe("unpacked");
  const [raw] = await until(httpRequest(NOWHERE).end(), "response");
  const pieces = await (raw as IncomingMessage).toArray();
  expect(gunzipSync(Buffer.concat(pieces as Buffer[])).toString()).toBe("unpacked");
});

test("trailers follow the body", async () => {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("body");
  };
  await pair([
    always(() => ({
      kind: "respond",
      status: 200,
      headers: [["trailer", "x-sum"]],
      body: pieces(),
      trailers: [["x-sum", "42"]],
    })),
  ]);
  const [response] = await until(httpRequest(NOWHERE).end(), "response");
  const incoming = response as IncomingMessage;
  expect(await text(incoming)).toBe("body");
  expect(incoming.trailers).toEqual({ "x-sum": "42" });
});

test("trailers that are known only after a body that rides along are those of its end", async () => {
  let sum = 0;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      sum += 1;
      yield Buffer.from("x");
    }
  }
  await pair([
    always(() => ({
      kind: "respond",
      status: 200,
      headers: [["trailer", "x-sum"]],
      body: pieces(),
      trailers: () => [["x-sum", String(sum)]],
    })),
  ]);
  const [response] = await until(httpRequest(NOWHERE).end(), "response");
  const incoming = response as IncomingMessage;
  expect(await text(incoming)).toBe("xxx");
  expect(incoming.trailers).toEqual({ "x-sum": "3" });
});

test("a redirect is followed by the client, and asked about again", async () => {
  const seen: string[] = [];
  await pair([
    http.get("*/from", ({ request }) => {
      seen.push(request.url);
      return HttpResponse.redirect("/to");
    }),
    http.get("*/to", ({ request }) => {
      seen.push(request.url);
      return HttpResponse.text("there");
    }),
  ]);
  expect(await textAt("/from")).toBe("there");
  expect(seen).toEqual([`${NOWHERE}/from`, `${NOWHERE}/to`]);
});
