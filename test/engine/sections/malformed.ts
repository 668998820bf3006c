// What an origin must not say is not passed on, and what a client must not ask is not passed on either.

import { get as httpGet } from "node:http";
import { expect } from "vitest";
import { OK, openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred } from "../../fixtures/wait.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient } from "../raw-client.ts";

const EVIL = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL";

/** Answers of which not one byte is passed on. */
const HEADS: Readonly<Record<string, string>> = {
  "both a length and chunks":
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "two lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
  "a list of lengths": "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nabcde",
  "a length with a sign": "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nabcde",
  "a negative length": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabcde",
  "a length in hex": "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nabcde",
  "an empty length": "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabcde",
  "a length beyond all numbers":
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabcde",
  "another transfer coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
  "a coding that looks like chunked":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  "an empty transfer coding":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 2\r\n\r\nok",
  "two transfer codings":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "chunks in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a folded field": "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
  "a control character in a value": "HTTP/1.1 200 OK\r\nX: a\u0001b\r\nContent-Length: 0\r\n\r\n",
  "a NUL in a value": "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
  "a DEL in a value": "HTTP/1.1 200 OK\r\nX: a\u007fb\r\nContent-Length: 0\r\n\r\n",
  "bare line feeds": "HTTP/1.1 200 OK\nContent-Length: 0\n\n\r\n\r\n",
  "a bare line feed in a field": "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n",
  "a bare carriage return": "HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 0\r\n\r\n",
  "a space before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
  "a space before the first field": "HTTP/1.1 200 OK\r\n Content-Length: 2\r\n\r\nok",
  "a field without a name": "HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
  "a field without a colon": "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
  "a field name beyond ASCII": "HTTP/1.1 200 OK\r\nX\u00e9: 1\r\nContent-Length: 0\r\n\r\n",
  "another protocol": "SSH-2.0-x\r\n",
  "another version": "HTTP/2.0 200 OK\r\n\r\n",
  "a version that is too new": "HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
  "an unasked 101": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  "a status below 100": "HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
  "two spaces before the status": "HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
  "an empty line first": "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "a body in an interim response": "HTTP/1.1 103 Hints\r\nContent-Length: 2\r\n\r\nokok",
};

/** Bodies that are cut off where they go wrong. */
const CHUNKS: Readonly<Record<string, string>> = {
  "no digits": "\r\nx\r\n0\r\n\r\n",
  "digits that are no hex": "g\r\nx\r\n",
  "a line feed only": "1\nx\n0\n\n",
  "more data than announced": "1\r\nxy\r\n0\r\n\r\n",
  "nine digits": "000000001\r\nx\r\n0\r\n\r\n",
  "a negative size": "-1\r\nx\r\n",
  "a size with a sign": "+1\r\nx\r\n0\r\n\r\n",
  "a size with 0x": "0x1\r\nx\r\n0\r\n\r\n",
  "a bare carriage return in an extension": "1;a\rb\r\nx\r\n0\r\n\r\n",
  "a bare line feed in an extension": "1;a\nb\r\nx\r\n0\r\n\r\n",
  "a malformed trailer": "0\r\nx y: 1\r\n\r\n",
  "a folded trailer": "0\r\nx: 1\r\n y\r\n\r\n",
};

/** What a front refuses by itself; not one byte of it may reach the origin as a request. */
const REQUESTS: Readonly<Record<string, string>> = {
  "both a length and chunks":
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "two lengths":
    "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "bare line feeds": "GET / HTTP/1.1\nHost: localhost\n\n",
  "two Hosts": "GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
  "no Host": "GET / HTTP/1.1\r\n\r\n",
  "a space before the colon": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 1\r\n\r\na",
  "another transfer coding":
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
  "a coding that looks like chunked":
    "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
  "a NUL in a value": "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
};

export function describeMalformed({ behaviour, open }: Contract): void {
  for (const [what, answer] of Object.entries(HEADS)) {
    behaviour(`an answer with ${what} is a 502 and ends the connection`, async () => {
      const origin = await openStrictOrigin({
        onRequest: ({ connection }) => (connection === 1 ? answer : OK),
      });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(get());
      const { status, body } = await client.response();
      expect(status).toBe(502);
      expect(String(body)).toContain("XW_UPSTREAM");
      expect(await front.outcomes.next()).toMatchObject({
        status: 0,
        failure: { code: "XW_UPSTREAM" },
      });
      client.send(get("/next"));
      expect(String((await client.response()).body)).toBe("ok");
      expect(origin.connections).toBe(2);
    });
  }

  behaviour("a response head beyond the limit is a 502", async () => {
    const answer = `HTTP/1.1 200 OK\r\nX: ${"a".repeat(3_000)}\r\nContent-Length: 0\r\n\r\n`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url, { limits: { maxHeadBytes: 2_048 } });
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(502);
  });

  behaviour("a response head that never ends is a 502", async () => {
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => {
        const more = (): void => {
          if (socket.writable) socket.write("X: y\r\n".repeat(500), () => setImmediate(more));
        };
        socket.write("HTTP/1.1 200 OK\r\n", more);
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(502);
  });

  behaviour("a head just below the limit passes", async () => {
    const value = "a".repeat(30_000);
    const answer = `HTTP/1.1 200 OK\r\nX: ${value}\r\nContent-Length: 0\r\n\r\n`;
    const origin = await openStrictOrigin({ onRequest: () => answer });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const { status, head } = await client.response();
    expect(status).toBe(200);
    expect(head).toContain(value);
  });

  for (const [what, body] of Object.entries(CHUNKS)) {
    behaviour(`a chunked response with ${what} is cut, never ended`, async () => {
      const head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
      const origin = await openStrictOrigin({ onRequest: () => head + body });
      const front = await open(origin.url);
      expect(await endOf(front.url)).toBe("cut");
      expect((await front.outcomes.next()).failure?.code).toBe("XW_UPSTREAM");
    });
  }

  behaviour("more bytes than the response has are dropped with their connection", async () => {
    const origin = await openStrictOrigin({ onRequest: () => OK + EVIL });
    const { port } = await open(origin.url);
    for (const path of ["/1", "/2"]) {
      const client = await RawClient.connect(port);
      client.send(get(path));
      expect(String((await client.response()).body)).toBe("ok");
      expect(client.raw.received.toString()).toBe("");
    }
    expect(origin.connections).toBe(2);
  });

  for (const [what, answer] of [
    ["a large response", `HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n${"x".repeat(30_000)}`],
    ["a chunked response", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
  ] as const) {
    behaviour(`more bytes behind ${what} are dropped with its connection`, async () => {
      const origin = await openStrictOrigin({ onRequest: () => answer + EVIL });
      const { port } = await open(origin.url);
      for (const path of ["/1", "/2"]) {
        const client = await RawClient.connect(port);
        client.send(get(path));
        expect((await client.response()).head).not.toContain("Content-Length: 4\r\n");
        expect(client.raw.received.toString()).toBe("");
      }
      expect(origin.connections).toBe(2);
    });
  }

  behaviour("bytes that come on an idle connection end it, and answer nothing", async () => {
    const speak = deferred();
    const hasSpoken = deferred();
    const origin = await openStrictOrigin({
      onRequest: ({ connection }, socket) => {
        if (connection > 1) return OK;
        socket.on("close", () => hasSpoken.resolve());
        void speak.promise.then(() => socket.write(EVIL));
        return OK;
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect(String((await client.response()).body)).toBe("ok");
    speak.resolve();
    await hasSpoken.promise;
    client.send(get("/2"));
    expect(String((await client.response()).body)).toBe("ok");
    expect(origin.connections).toBe(2);
  });

  behaviour("bytes after a response to HEAD answer nothing", async () => {
    const origin = await openStrictOrigin({
      onRequest: ({ connection }) => (connection === 1 ? EVIL : OK),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get().replace("GET", "HEAD"));
    expect((await client.response({ isHead: true })).status).toBe(200);
    client.send(get("/2"));
    expect(String((await client.response()).body)).toBe("ok");
  });

  for (const [what, request] of Object.entries(REQUESTS)) {
    behaviour(`a request with ${what} never reaches the origin`, async () => {
      const origin = await openStrictOrigin();
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(request);
      const { status } = await client.response();
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(502);
      expect(origin.requests).toEqual([]);
    });
  }

  behaviour("a request whose chunks go wrong reaches the origin as no whole request", async () => {
    const origin = await openStrictOrigin();
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    expect(await client.rest()).not.toMatch(/^HTTP\/1\.1 2/);
    expect(origin.requests).toEqual([]);
  });
}

/** How Node's own client sees the response end. A 502 is as good as a cut: nothing was passed on. */
async function endOf(url: string): Promise<"cut" | "ended"> {
  const end = deferred<"cut" | "ended">();
  const request = httpGet(url, { agent: false }, (response) => {
    if (response.statusCode === 502) end.resolve("cut");
    response.resume();
    response.on("end", () => end.resolve("ended"));
    response.on("error", () => end.resolve("cut"));
  });
  request.on("error", () => end.resolve("cut"));
  return end.promise;
}
