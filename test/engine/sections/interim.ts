// 1xx: hints are relayed, and who wants to hear "100 Continue" hears it from the origin.

import { expect } from "vitest";
import { OK, openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, turn, until } from "../../fixtures/wait.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient } from "../raw-client.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EXPECTING =
  "POST / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

export function describeInterim({ behaviour, open }: Contract): void {
  behaviour("103 is relayed with its fields, before the response", async () => {
    const hints =
      "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.css>\r\n\r\n";
    const later = deferred();
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => {
        void later.promise.then(() => socket.write(OK));
        return hints;
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    const interim = await client.next();
    expect(interim.status).toBe(103);
    expect(interim.head).toMatch(/link: <\/a\.css>; rel=preload\r\nlink: <\/b\.css>\r\n/i);
    later.resolve();
    expect((await client.next()).status).toBe(200);
  });

  behaviour(
    "103 with fields that are no Link is relayed too, and more than one of them",
    async () => {
      const hints = "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n";
      const origin = await openStrictOrigin({ onRequest: () => hints + hints + OK });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(get());
      const statuses = [await client.next(), await client.next(), await client.next()];
      expect(statuses.map(({ status }) => status)).toEqual([103, 103, 200]);
      expect(statuses[0]?.head).toMatch(/x-hint: 1/i);
    },
  );

  behaviour("a client of HTTP/1.0 gets no interim response", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    const origin = await openStrictOrigin({ onRequest: () => hints + OK });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n");
    expect(await client.rest()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  behaviour("100 is relayed when the origin says it, and the body goes up after it", async () => {
    const said = deferred();
    const origin = await openStrictOrigin({
      onHead: (_head, socket) => void said.promise.then(() => socket.write(CONTINUE)),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(EXPECTING);
    await until(() => origin.received().includes("\r\n\r\n"), "the head at the origin");
    await turn();
    expect(origin.received()).toMatch(/expect: 100-continue\r\n/i);
    expect(client.raw.received.toString()).toBe("");
    said.resolve();
    expect((await client.next()).status).toBe(100);
    client.send("hi");
    expect((await client.next()).status).toBe(200);
    expect(String(origin.requests[0]?.body)).toBe("hi");
  });

  behaviour("417 instead of 100 arrives, and the body never goes up", async () => {
    const refusal =
      "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const origin = await openStrictOrigin({
      onHead: (_head, socket) => void socket.end(refusal),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(EXPECTING);
    expect((await client.next()).status).toBe(417);
    expect(origin.received()).toMatch(/\r\n\r\n$/);
  });

  behaviour("a final answer instead of 100 keeps the connections in step", async () => {
    const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    const origin = await openStrictOrigin({
      onHead: (head) => (head.startsWith("POST") ? refusal : undefined),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(EXPECTING);
    expect((await client.response()).status).toBe(401);
    // Whether the refused body follows is not known to the origin's connection, so no other request may use it.
    const other = await RawClient.connect(port);
    other.send(get("/next"));
    expect((await other.response()).status).toBe(200);
    expect(origin.requests.map(({ startLine }) => startLine)).toEqual(["GET /next HTTP/1.1"]);
    expect(origin.violations).toEqual([]);
  });

  behaviour("a client that does not wait for 100 is served", async () => {
    const origin = await openStrictOrigin({ onHead: () => CONTINUE });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(`${EXPECTING}hi`);
    expect((await client.response()).status).toBe(200);
    expect(String(origin.requests[0]?.body)).toBe("hi");
  });

  behaviour("an unasked 100 does no harm", async () => {
    const origin = await openStrictOrigin({ onRequest: () => CONTINUE + OK });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(200);
  });

  behaviour("an endless row of interim responses is ended with 502", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n".repeat(500);
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => {
        const more = (): void => {
          if (socket.writable) socket.write(hints, () => setImmediate(more));
        };
        more();
      },
    });
    const front = await open(origin.url, { limits: { proxyHeadTimeoutMs: 300 } });
    const client = await RawClient.connect(front.port);
    client.send(get());
    expect((await front.outcomes.next()).failure).toBeDefined();
    await until(() => origin.open === 0, "the end of the upstream connection");
  });
}
