// Who reads slowly slows down who sends, and nothing grows in between; what comes early is passed on early.

import { createHash } from "node:crypto";
import { get as httpGet, type IncomingMessage } from "node:http";
import { expect } from "vitest";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, turn, until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient } from "../raw-client.ts";

const MIB = 1 << 20;
/** Far more than the buffers of four sockets hold. */
const MUCH = 200 * MIB;
const LITTLE = 40 * MIB;

export function describePressure({ behaviour, open }: Contract): void {
  behaviour("an origin waits for a client that does not read", async () => {
    let sent = 0;
    const stalled = deferred();
    const origin = await openHttpOrigin((_request, response) => {
      const more = (): void => {
        while (sent < MUCH && !response.destroyed) {
          sent += MIB;
          if (response.write(Buffer.alloc(MIB))) continue;
          void stalls(() => sent).then(stalled.resolve);
          return void response.once("drain", more);
        }
      };
      more();
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.raw.socket.pause();
    client.send(get());
    await stalled.promise;
    expect(sent).toBeLessThan(LITTLE);
  });

  behaviour("a client waits for an origin that does not read", async () => {
    const origin = await openHttpOrigin(() => {});
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${MUCH}\r\n\r\n`);
    let sent = 0;
    const more = (): void => {
      while (sent < MUCH) {
        sent += MIB;
        if (!client.raw.socket.write(Buffer.alloc(MIB))) return;
      }
    };
    client.raw.socket.on("drain", more);
    more();
    await stalls(() => sent);
    expect(sent).toBeLessThan(LITTLE);
  });

  behaviour("eight slow readers at once get the exact bytes", async () => {
    const source = Buffer.from(
      Uint32Array.from({ length: 2 * MIB }, (_, i) => Math.imul(i, 2_654_435_761)).buffer,
    );
    const origin = await openHttpOrigin((request, response) => {
      if (request.url === "/length") response.setHeader("content-length", source.length);
      for (let at = 0; at < source.length; at += 70_000) {
        response.write(source.subarray(at, at + 70_000));
      }
      response.end();
    });
    const { url } = await open(origin.url);
    const expected = createHash("sha256").update(source).digest("hex");
    const paths = ["/length", "/chunks", "/length", "/chunks", "/length", "/chunks", "/a", "/b"];
    const digests = await Promise.all(paths.map((path) => slowDigest(`${url}${path}`)));
    expect(digests).toEqual(paths.map(() => expected));
  });

  behaviour("the head of an event stream is passed on before its first event", async () => {
    const origin = await openHttpOrigin((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const head = await client.received("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*text\/event-stream/);
  });

  behaviour("each event is passed on when it comes", async () => {
    const origin = await openStrictOrigin({
      onRequest: () =>
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
      onConnection: (socket) => void (send = (text) => socket.write(text)),
    });
    let send = (_text: string): unknown => undefined;
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    await client.received("\r\n\r\n");
    for (const n of [1, 2, 3]) {
      send(`9\r\ndata: ${n}\n\n\r\n`);
      await client.received(`data: ${n}\n\n`);
    }
  });

  behaviour("a piece of a body with a length is passed on when it comes", async () => {
    const origin = await openStrictOrigin({
      onRequest: () => "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
      onConnection: (socket) => void (send = (text) => socket.write(text)),
    });
    let send = (_text: string): unknown => undefined;
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    await client.received("abc");
    send("def");
    await client.received("abcdef");
    send("ghi");
    await client.received("abcdefghi");
  });

  behaviour("a request body is passed on piece by piece, before its end", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const piece of ["abc", "def"]) {
      client.send(`3\r\n${piece}\r\n`);
      await until(() => origin.received().includes(piece), `${piece} at the origin`);
    }
    client.send("0\r\n\r\n");
    expect((await client.response()).status).toBe(200);
    expect(String(origin.requests[0]?.body)).toBe("abcdef");
  });

  behaviour("a response may begin while the request is still being sent", async () => {
    const origin = await openHttpOrigin((request, response) => request.pipe(response));
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\nabc");
    await client.received("abc");
    client.send("def");
    expect(String((await client.response()).body)).toBe("abcdef");
  });
}

/** Resolves when a number has stopped growing for many turns of the event loop in which it could have. */
async function stalls(look: () => number): Promise<void> {
  let last = -1;
  for (let quiet = 0; quiet < 300; quiet++) {
    await turn();
    if (look() !== last) quiet = 0;
    last = look();
  }
}

/** Reads a little, rests for some turns, reads on. */
async function slowDigest(url: string): Promise<string> {
  const responded = deferred<IncomingMessage>();
  httpGet(url, { agent: false }, responded.resolve).on("error", responded.reject);
  const hash = createHash("sha256");
  let pieces = 0;
  for await (const piece of await responded.promise) {
    hash.update(piece as Buffer);
    if (++pieces % 4 === 0) for (let n = 0; n < 5; n++) await turn();
  }
  return hash.digest("hex");
}
