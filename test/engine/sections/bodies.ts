// Bodies in every framing, both ways: they stay framed, whole and exact.

import { createHash } from "node:crypto";
import { get as httpGet } from "node:http";
import { expect } from "vitest";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { type HttpMessage, valuesOf } from "../../fixtures/strict-message.ts";
import { deferred, until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { chunked, get, post, RawClient } from "../raw-client.ts";

const INNER = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

export function describeBodies({ behaviour, open }: Contract): void {
  for (const method of ["GET", "DELETE", "OPTIONS", "POST", "PUT", "PATCH", "SEARCH"]) {
    behaviour(`a ${method} with a chunked body stays one request with that body`, async () => {
      const origin = await openStrictOrigin();
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(chunked(method, INNER));
      client.send(get("/next"));
      expect((await client.response()).status).toBe(200);
      expect((await client.response()).status).toBe(200);
      expect(origin.violations).toEqual([]);
      const seen = origin.requests.map(({ startLine, body }) => [startLine, String(body)]);
      expect(seen).toEqual([
        [`${method} / HTTP/1.1`, INNER],
        ["GET /next HTTP/1.1", ""],
      ]);
    });

    behaviour(`a ${method} with a length keeps body and length`, async () => {
      const origin = await openStrictOrigin();
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(post(INNER).replace("POST", method));
      expect((await client.response()).status).toBe(200);
      expect(origin.requests).toHaveLength(1);
      expect(origin.requests[0]).toMatchObject({ framing: "length", body: Buffer.from(INNER) });
    });
  }

  behaviour("a request without a body gets no framing invented", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    for (const method of ["GET", "DELETE", "OPTIONS"]) {
      const client = await RawClient.connect(port);
      client.send(get().replace("GET", method));
      await client.response();
    }
    expect(origin.requests.map(({ framing }) => framing)).toEqual(["none", "none", "none"]);
  });

  behaviour("a POST of length 0 keeps its length", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(post(""));
    await client.response();
    expect(valuesOf(origin.requests[0]!.fields, "content-length")).toEqual(["0"]);
  });

  behaviour("4 MB arrive exactly, both ways, with a length and in chunks", async () => {
    const sent = Buffer.from(new Uint8Array(4 << 20).map((_, i) => (i * 31 + (i >> 9)) % 256));
    const origin = await openHttpOrigin((request, response) => {
      if (request.headers["content-length"] !== undefined) {
        response.setHeader("content-length", sent.length);
      }
      request.pipe(response);
    });
    const { url } = await open(origin.url);
    for (const body of [sent, new Blob([sent]).stream()]) {
      const response = await fetch(url, { method: "POST", body, duplex: "half" });
      expect(digest(await response.arrayBuffer())).toBe(digest(sent));
    }
  });

  behaviour("request trailers arrive", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(chunked("POST", "a", "Trailer: x-t\r\n", "x-t: 1\r\nX-Two: b c\r\n"));
    await client.response();
    expect(origin.requests[0]?.trailers.map((field) => field.join(": "))).toEqual([
      "x-t: 1",
      "X-Two: b c",
    ]);
  });

  behaviour("a GET that announces a trailer and has no body is a GET", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/", "Trailer: x-t\r\n"));
    expect((await client.response()).status).toBe(200);
    expect(origin.requests[0]?.framing).toBe("none");
  });

  behaviour("response trailers arrive", async () => {
    const answer = `${CHUNKED.replace("\r\n\r\n", "\r\nTrailer: x-t\r\n\r\n")}1\r\na\r\n0\r\nx-t: 1\r\nX-Two: b\r\n\r\n`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/", "TE: trailers\r\nConnection: TE\r\n"));
    const { body, trailers } = await client.response();
    expect(String(body)).toBe("a");
    expect(trailers.map((field) => field.join(": "))).toEqual(["x-t: 1", "X-Two: b"]);
  });

  behaviour("trailers of a response carry no framing and no fields of one hop", async () => {
    const forbidden = "Content-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
    const answer = `${CHUNKED}1\r\na\r\n0\r\n${forbidden}Set-Cookie: a=1\r\nx: 1\r\n\r\n`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const { trailers } = await client.response();
    expect(trailers.filter(([name]) => name !== "Set-Cookie")).toEqual([["x", "1"]]);
  });

  behaviour("trailers of a request carry no framing and no fields of one hop", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const forbidden = [
      "Content-Length: 9",
      "Transfer-Encoding: chunked",
      "Host: evil",
      "Keep-Alive: 5",
    ];
    for (const line of forbidden) {
      const client = await RawClient.connect(port);
      client.send(chunked("POST", "a", "", `${line}\r\nx: 1\r\n`));
      // A front may refuse such a request as a whole.
      await client.response();
      client.close();
    }
    expect(origin.violations).toEqual([]);
    const trailers = origin.requests.flatMap(({ trailers: all }) => all.map(([name]) => name));
    expect(new Set(trailers)).toEqual(new Set(["x"]));
  });

  behaviour("chunk extensions are dropped, the body is kept", async () => {
    const answer = `${CHUNKED}3;a=b\r\nabc\r\n2 ;x="y;z"\r\nde\r\n0;z\r\n\r\n`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    // By the letter of the client's reader, an extension would be an error.
    expect(String((await client.response()).body)).toBe("abcde");
  });

  behaviour("a chunked response that comes byte by byte arrives whole", async () => {
    const answer = `${CHUNKED}3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nx-t: 1\r\n\r\n`;
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => {
        const bytes = answer.split("");
        const next = (): void => {
          const byte = bytes.shift();
          if (byte !== undefined) socket.write(byte, () => setImmediate(next));
        };
        next();
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const { body, trailers } = await client.response();
    expect(String(body)).toBe("abc0123456789abcdef");
    expect(trailers).toEqual([["x-t", "1"]]);
  });

  behaviour("a response that ends with its connection arrives whole", async () => {
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => void socket.end("HTTP/1.0 200 OK\r\nX: 1\r\n\r\nhello"),
    });
    const { url } = await open(origin.url);
    const done = deferred<string>();
    httpGet(url, { agent: false }, (response) => {
      let body = "";
      response.on("data", (piece: Buffer) => (body += piece.toString()));
      response.on("end", () => done.resolve(`${body} ${response.complete}`));
    });
    expect(await done.promise).toBe("hello true");
  });

  behaviour(
    "responses to HEAD, and 204 and 304, have no body and keep the connection in step",
    async () => {
      const answers: Record<string, string> = {
        "/204": "HTTP/1.1 204 No Content\r\nX: 1\r\n\r\n",
        "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: x\r\n\r\n",
        "/head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "/chunked": CHUNKED,
      };
      const origin = await openStrictOrigin({
        onRequest: ({ startLine }) => answers[startLine.split(" ")[1] ?? ""] ?? "",
      });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(get("/head").replace("GET", "HEAD"));
      const head = await client.response({ isHead: true });
      expect(valuesOf(head.fields, "content-length")).toEqual(["5"]);
      client.send(get("/chunked").replace("GET", "HEAD"));
      await client.response({ isHead: true });
      const rest: HttpMessage[] = [];
      for (const path of ["/204", "/304", "/204"]) {
        client.send(get(path));
        rest.push(await client.response());
      }
      expect(rest.map(({ status }) => status)).toEqual([204, 304, 204]);
      expect(rest.map(({ head: text }) => /transfer-encoding/i.test(text))).not.toContain(true);
      expect(origin.connections).toBe(1);
    },
  );

  behaviour("pipelined requests are answered in their order", async () => {
    const slow = deferred();
    const origin = await openHttpOrigin((request, response) => {
      request.resume();
      if (request.url === "/1") void slow.promise.then(() => response.end("1"));
      else response.end(request.url?.slice(1));
      if (request.url === "/4") slow.resolve();
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/1") + get("/2") + post("hi", "", "/3") + get("/4"));
    // A proxy may hold the later ones back until the first is answered.
    await until(() => origin.connections > 0, "the first request");
    slow.resolve();
    const bodies: string[] = [];
    while (bodies.length < 4) bodies.push(String((await client.response()).body));
    expect(bodies).toEqual(["1", "2", "3", "4"]);
  });

  behaviour("a client of HTTP/1.0 gets no chunks", async () => {
    const origin = await openHttpOrigin((_request, response) => {
      response.write("a");
      response.end("b");
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    const answer = await client.rest();
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nab$/);
    expect(answer).not.toMatch(/chunked/i);
  });

  behaviour("a head that comes byte by byte is a head", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    for (const byte of get("/s")) {
      await new Promise((resolve) => client.raw.socket.write(byte, resolve));
    }
    expect((await client.response()).status).toBe(200);
    expect(origin.requests[0]?.startLine).toBe("GET /s HTTP/1.1");
  });

  behaviour("bytes are counted in both directions", async () => {
    const origin = await openStrictOrigin({ onRequest: () => `${CHUNKED}3\r\nabc\r\n0\r\n\r\n` });
    const front = await open(origin.url);
    const client = await RawClient.connect(front.port);
    client.send(post("12345"));
    await client.response();
    const outcome = await front.outcomes.next();
    expect(outcome).toMatchObject({ status: 200, bytesUp: 5, bytesDown: 3 });
    expect(outcome.failure).toBeUndefined();
  });
}

function digest(bytes: ArrayBuffer | Buffer): string {
  return createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
}
