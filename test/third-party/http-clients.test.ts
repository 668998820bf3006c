// HTTP clients other than node:http through the proxy: undici's, a reader of event streams, and Java's.

import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { fetch as undiciFetch, Pool, request } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { type HttpAnswer, RawSocket } from "../fixtures/raw-socket.ts";
import { deferred, within } from "../fixtures/wait.ts";
import { openOrigin, type Proxied } from "./origin.ts";

const MIB = 1024 * 1024;

/** Answers with what it was asked, and the digest of the body that came. */
async function tellBack(asked: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of asked) hash.update(chunk as Buffer);
  const { method, url, headers } = asked;
  const body = JSON.stringify({ method, url, headers, digest: hash.digest("hex") });
  const type = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) };
  response.writeHead(200, type).end(body);
}

interface Told {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly digest: string;
}

const openTellBack = (): Promise<Proxied> =>
  openOrigin((asked, response) => void tellBack(asked, response));

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test.each([
  { name: "Node's fetch", run: fetch },
  { name: "undici's fetch", run: undiciFetch as unknown as typeof fetch },
])("$name sends bodies of a known and of an unknown length", async ({ run }) => {
  const { url } = await openTellBack();
  const bytes = randomBytes(3 * MIB);
  const whole = await run(`${url}/whole?a=1&a=2`, { method: "POST", body: bytes });
  const told = (await whole.json()) as Told;
  expect(told).toMatchObject({ method: "POST", url: "/whole?a=1&a=2", digest: digestOf(bytes) });
  expect(told.headers["content-length"]).toBe(String(bytes.length));

  const body = Readable.toWeb(Readable.from([bytes.subarray(0, MIB), bytes.subarray(MIB)]));
  const init = { method: "PUT", body, duplex: "half" } as unknown as RequestInit;
  const streamed = (await (await run(`${url}/streamed`, init)).json()) as Told;
  expect(streamed).toMatchObject({ method: "PUT", digest: digestOf(bytes) });
  expect(streamed.headers["transfer-encoding"]).toBe("chunked");
});

test("a pool of undici keeps its connections through many exchanges at once", async () => {
  const { url, origin } = await openTellBack();
  let connections = 0;
  origin.on("connection", () => void connections++);
  const pool = new Pool(url, { connections: 4, pipelining: 1 });
  onTestFinished(() => pool.destroy());
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  const answers = await Promise.all(
    numbers.map(async (number) => {
      const text = `body ${number}`;
      const path = `/number/${number}`;
      const { body } = await pool.request({ method: "POST", path, body: text });
      return { told: (await body.json()) as Told, text, path };
    }),
  );
  for (const { told, text, path } of answers) {
    expect(told).toMatchObject({ url: path, digest: digestOf(Buffer.from(text)) });
  }
  expect(connections).toBeLessThanOrEqual(4);
});

test("a client that pipelines gets its answers in order", async () => {
  const { url } = await openTellBack();
  const pool = new Pool(url, { connections: 1, pipelining: 8 });
  onTestFinished(() => pool.destroy());
  const paths = Array.from({ length: 40 }, (_, number) => `/pipelined/${number}`);
  const urls = await Promise.all(
    paths.map(async (path) => {
      const { body } = await pool.request({ method: "GET", path });
      return ((await body.json()) as Told).url;
    }),
  );
  expect(urls).toEqual(paths);
});

test("undici gets trailers, and headers that come twice", async () => {
  const { url } = await openOrigin((_asked, response) => {
    response.writeHead(200, [
      ...["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Trailer", "X-Digest"],
      ...["Transfer-Encoding", "chunked"],
    ]);
    response.write("text");
    response.addTrailers({ "X-Digest": "of text" });
    response.end();
  });
  const { headers, trailers, body } = await request(url);
  expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  expect(await body.text()).toBe("text");
  expect(trailers).toMatchObject({ "x-digest": "of text" });
});

test("events of a stream arrive as they are sent, and its end when the reader leaves", async () => {
  const streaming = deferred<ServerResponse>();
  const { url } = await openOrigin((_asked, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders();
    streaming.resolve(response);
  });
  const reading = new AbortController();
  // Resolves before the first event is sent: the head does not wait for one.
  const answer = await within(fetch(url, { signal: reading.signal }), "the head");
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const stream = await streaming.promise;
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (const event of ["data: first\n\n", "data: second\n\n"]) {
    stream.write(event);
    expect((await within(reader.read(), "an event")).value).toBe(event);
  }
  const left = within(once(stream, "close"), "the origin to hear that the reader left");
  const ended = reader.read().catch((error: unknown) => error);
  reading.abort();
  await left;
  expect(await ended).toMatchObject({ name: "AbortError" });
});

const JAVA_HEAD =
  "Connection: Upgrade, HTTP2-Settings\r\n" +
  "HTTP2-Settings: AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA\r\n" +
  "Upgrade: h2c\r\n" +
  "User-Agent: Java-http-client/21.0.5\r\n";

test.each([
  { method: "GET", lines: "", body: "" },
  { method: "POST", lines: "Content-Length: 9\r\n", body: "from Java" },
])(
  "a $method that offers to go on in HTTP/2, as Java's client does, is answered in HTTP/1.1",
  async ({ method, lines, body }) => {
    const { port } = await openTellBack();
    const host = `Host: localhost:${port}\r\n`;
    const raw = await RawSocket.connect(port);
    raw.write(`${method} /first HTTP/1.1\r\n${host}${JAVA_HEAD}${lines}\r\n${body}`);
    const first = toldIn(await raw.answer());
    expect(first).toMatchObject({ method, url: "/first", digest: digestOf(Buffer.from(body)) });
    expect(first.headers).not.toHaveProperty("upgrade");
    expect(first.headers).not.toHaveProperty("http2-settings");

    // The same connection serves the next request, in which Java offers nothing any more.
    raw.write(`GET /second HTTP/1.1\r\n${host}\r\n`);
    expect(toldIn(await raw.answer())).toMatchObject({ method: "GET", url: "/second" });
  },
);

function toldIn({ status, body }: HttpAnswer): Told {
  expect(status).toBe(200);
  return JSON.parse(body) as Told;
}
