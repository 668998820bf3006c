// When one side goes away in the middle, the other one hears of it, at every stage.

import { get as httpGet } from "node:http";
import type { Socket } from "node:net";
import { expect } from "vitest";
import { openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, until } from "../../fixtures/wait.ts";
import type { Contract } from "../proxy-front.ts";
import { get, post, RawClient } from "../raw-client.ts";

const LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

const WAYS: Readonly<Record<string, (socket: Socket) => unknown>> = {
  FIN: (socket) => socket.destroy(),
  RST: (socket) => socket.resetAndDestroy(),
};

export function describeAborts({ behaviour, open }: Contract): void {
  for (const [way, cut] of Object.entries(WAYS)) {
    behaviour(
      `a client that leaves before the head (${way}) ends the upstream request`,
      async () => {
        const origin = await openStrictOrigin({ onRequest: () => undefined });
        const front = await open(origin.url);
        const client = await RawClient.connect(front.port);
        client.send(get());
        await until(() => origin.requests.length === 1, "the request");
        cut(client.raw.socket);
        await until(() => origin.open === 0, "the end of the upstream connection");
        expect(await front.outcomes.next()).toMatchObject({
          status: 0,
          failure: { code: expect.any(String) as string },
        });
        expect(front.engine.stats()).toMatchObject({ connections: 0, exchanges: 0 });
      },
    );

    behaviour(
      `a client that leaves in the middle of a body (${way}) ends it upstream`,
      async () => {
        const origin = await openStrictOrigin({ onRequest: () => CHUNKED });
        const front = await open(origin.url);
        const client = await RawClient.connect(front.port);
        client.send(get());
        await client.received("abc");
        cut(client.raw.socket);
        await until(() => origin.open === 0, "the end of the upstream connection");
        const { status, failure } = await front.outcomes.next();
        expect(status).toBe(200);
        expect(failure).toBeDefined();
      },
    );

    behaviour(`a client that leaves during its upload (${way}) ends it upstream`, async () => {
      const origin = await openStrictOrigin();
      const front = await open(origin.url);
      for (const head of [post("abc").replace("Length: 3", "Length: 100"), UNFINISHED_CHUNKS]) {
        const client = await RawClient.connect(front.port);
        client.send(head);
        await until(() => origin.open === 1 && /abc/.test(origin.received()), "the upload");
        cut(client.raw.socket);
        await until(() => origin.open === 0, "the end of the upstream connection");
        expect((await front.outcomes.next()).failure).toBeDefined();
      }
      // A cut upload is no request: the origin never sees its end.
      expect(origin.requests).toEqual([]);
    });

    behaviour(`an origin that dies before the head (${way}) is a 502`, async () => {
      const origin = await openStrictOrigin({ onRequest: (_request, socket) => void cut(socket) });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(post("x"));
      const { status, body } = await client.response();
      expect(status).toBe(502);
      expect(String(body)).toContain("XW_UPSTREAM");
    });

    behaviour(`an origin that dies in the middle of its head (${way}) is a 502`, async () => {
      const origin = await openStrictOrigin({
        onRequest: flushThen("HTTP/1.1 200 OK\r\nX: ", cut),
      });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(get());
      expect((await client.response()).status).toBe(502);
    });

    for (const [what, start] of Object.entries({ length: LENGTH, chunks: CHUNKED })) {
      behaviour(
        `an origin that dies in the middle of a body with ${what} (${way}) is an error to the client`,
        async () => {
          const die = deferred();
          const origin = await openStrictOrigin({
            onRequest: (_request, socket) => {
              void die.promise.then(() => cut(socket));
              return start;
            },
          });
          const front = await open(origin.url);
          const end = deferred<string>();
          const request = httpGet(front.url, { agent: false }, (response) => {
            response.on("data", () => die.resolve());
            response.on("end", () => end.resolve("ended"));
            response.on("error", (error: NodeJS.ErrnoException) => end.resolve(error.code ?? ""));
          });
          request.on("error", () => end.resolve("refused"));
          expect(await end.promise).toBe("ECONNRESET");
          const outcome = await front.outcomes.next();
          expect(outcome).toMatchObject({ status: 200, bytesDown: 3 });
          expect(outcome.failure?.code).toBe("XW_UPSTREAM");
        },
      );
    }

    behaviour(
      `an origin that dies during an upload (${way}) is a 502, and the client is let go`,
      async () => {
        const origin = await openStrictOrigin({ onHead: (_head, socket) => void cut(socket) });
        const front = await open(origin.url);
        const client = await RawClient.connect(front.port);
        client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nabc");
        const { status } = await client.response();
        expect(status).toBe(502);
        await client.raw.closed();
      },
    );
  }

  behaviour(
    "a close-delimited response that ends with a reset is an error to the client",
    async () => {
      const die = deferred();
      const origin = await openStrictOrigin({
        onRequest: (_request, socket) => {
          void die.promise.then(() => socket.resetAndDestroy());
          return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc";
        },
      });
      const { url } = await open(origin.url);
      const end = deferred<string>();
      httpGet(url, { agent: false }, (response) => {
        response.on("data", () => die.resolve());
        response.on("end", () => end.resolve("ended"));
        response.on("error", () => end.resolve("error"));
      });
      expect(await end.promise).toBe("error");
    },
  );

  behaviour("after a cut exchange the next one is served", async () => {
    const origin = await openStrictOrigin({
      onRequest: ({ startLine }) => (startLine.includes("/cut") ? CHUNKED : undefined),
      onHead: (head) =>
        head.includes("/fine") ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" : undefined,
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/cut"));
    await client.received("abc");
    client.raw.reset();
    const other = await RawClient.connect(port);
    other.send(get("/fine"));
    expect((await other.response()).status).toBe(200);
  });
}

const UNFINISHED_CHUNKS =
  "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

function flushThen(text: string, cut: (socket: Socket) => unknown) {
  return (_request: unknown, socket: Socket): void => {
    socket.write(text, () => cut(socket));
  };
}
