// Connections to a target are kept, shared, and given up when they have gone stale.

import { expect } from "vitest";
import { OK, openStrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { get, post, RawClient } from "../raw-client.ts";

export function describeReuse({ behaviour, open }: Contract): void {
  behaviour("20 requests of 20 clients use one connection", async () => {
    const origin = await openStrictOrigin();
    const { port, engine } = await open(origin.url);
    for (let n = 0; n < 20; n++) {
      const client = await RawClient.connect(port);
      client.send(n % 2 === 0 ? get("/", "Connection: close\r\n") : post("body"));
      expect((await client.response()).status).toBe(200);
    }
    expect(origin.connections).toBe(1);
    expect(engine.stats()).toMatchObject({ connections: 1, idleConnections: 1, exchanges: 0 });
  });

  behaviour("a client keeps its connection over many requests", async () => {
    const origin = await openStrictOrigin();
    const front = await open(origin.url);
    const client = await RawClient.connect(front.port);
    for (let n = 0; n < 5; n++) {
      client.send(n % 2 === 0 ? get() : post("body"));
      expect((await client.response()).status).toBe(200);
    }
    expect(front.clients).toBe(1);
  });

  behaviour(
    "requests at the same time use as many connections as they need, up to the limit",
    async () => {
      const all = deferred();
      const origin = await openHttpOrigin((request, response) => {
        void all.promise.then(() => response.end(request.url));
      });
      const { port, engine } = await open(origin.url, { limits: { maxTargetConnections: 3 } });
      const clients = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(port)));
      clients.forEach((client, n) => client.send(get(`/${n}`)));
      await until(() => engine.stats().exchanges === 8, "all exchanges");
      await until(() => origin.open === 3, "three connections");
      all.resolve();
      const bodies = await Promise.all(
        clients.map(async (client) => String((await client.response()).body)),
      );
      expect(bodies).toEqual(Array.from({ length: 8 }, (_, n) => `/${n}`));
      expect(origin.connections).toBe(3);
    },
  );

  behaviour("a request beyond the waiting line is a 503", async () => {
    const origin = await openStrictOrigin({ onRequest: () => undefined });
    const front = await open(origin.url, {
      limits: { maxTargetConnections: 1, maxTargetQueue: 1 },
    });
    const waiting = [await RawClient.connect(front.port), await RawClient.connect(front.port)];
    for (const client of waiting) client.send(get());
    await until(() => front.engine.stats().exchanges === 2, "both exchanges");
    const client = await RawClient.connect(front.port);
    client.send(get());
    const { status, body } = await client.response();
    expect(status).toBe(503);
    expect(String(body)).toContain("XW_OVERLOADED");
  });

  behaviour("a client that leaves the waiting line makes room for the next", async () => {
    const first = deferred();
    const origin = await openHttpOrigin((request, response) => {
      if (request.url === "/first") void first.promise.then(() => response.end());
      else response.end(request.url);
    });
    const { port, engine } = await open(origin.url, { limits: { maxTargetConnections: 1 } });
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => RawClient.connect(port)));
    one!.send(get("/first"));
    await until(() => origin.connections === 1, "the first request");
    two!.send(get("/gone"));
    await until(() => engine.stats().exchanges === 2, "the second in line");
    three!.send(get("/third"));
    await until(() => engine.stats().exchanges === 3, "the third in line");
    two!.close();
    await until(() => engine.stats().exchanges === 2, "the second to leave");
    first.resolve();
    expect(String((await three!.response()).body)).toBe("/third");
  });

  behaviour("no more idle connections are kept than the limit says", async () => {
    const all = deferred();
    const origin = await openHttpOrigin((_request, response) => {
      void all.promise.then(() => response.end());
    });
    const { port, engine } = await open(origin.url, { limits: { maxIdleConnections: 2 } });
    const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.connect(port)));
    for (const client of clients) client.send(get());
    await until(() => origin.open === 5, "five connections");
    all.resolve();
    await Promise.all(clients.map((client) => client.response()));
    await until(() => origin.open === 2, "two connections to be left");
    expect(engine.stats().idleConnections).toBe(2);
  });

  behaviour("an idle connection is given up after its time", async () => {
    const origin = await openStrictOrigin();
    const { port, engine } = await open(origin.url, { limits: { idleConnectionMs: 50 } });
    const client = await RawClient.connect(port);
    client.send(get());
    await client.response();
    await until(() => origin.open === 0, "the idle connection to close");
    expect(engine.stats()).toMatchObject({ connections: 0, idleConnections: 0 });
  });

  behaviour("a GET on a connection that turns out to be stale is tried once more", async () => {
    const origin = await openStrictOrigin({
      onRequest: ({ number }, socket) => {
        if (number > 1) return void socket.resetAndDestroy();
        return OK;
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get("/1"));
    expect((await client.response()).status).toBe(200);
    client.send(get("/2"));
    expect((await client.response()).status).toBe(200);
    const seen = origin.requests.map(({ startLine }) => startLine.split(" ")[1]);
    expect(seen).toEqual(["/1", "/2", "/2"]);
  });

  behaviour("a connection that the origin ended while idle is not used again", async () => {
    const end = deferred();
    const origin = await openStrictOrigin({
      onRequest: ({ connection }, socket) => {
        if (connection === 1) void end.promise.then(() => socket.end());
        return OK;
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(post("1"));
    expect((await client.response()).status).toBe(200);
    end.resolve();
    await until(() => origin.open === 0, "the end of the idle connection");
    client.send(post("2"));
    expect((await client.response()).status).toBe(200);
    expect(origin.connections).toBe(2);
  });

  behaviour("a GET that fails on a new connection is not tried again", async () => {
    const origin = await openStrictOrigin({
      onRequest: (_request, socket) => void socket.destroy(),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).status).toBe(502);
    expect(origin.requests).toHaveLength(1);
  });

  for (const [what, text] of Object.entries({
    POST: post("x"),
    PATCH: post("x").replace("POST", "PATCH"),
    "POST without a body": get().replace("GET", "POST"),
    // It may be repeated, but its body is gone.
    "PUT with a body": post("x").replace("POST", "PUT"),
    "DELETE with a body": post("x").replace("POST", "DELETE"),
  })) {
    behaviour(`a ${what} on a stale connection is never sent twice`, async () => {
      const origin = await openStrictOrigin({
        onRequest: ({ startLine, number }, socket) => {
          if (number > 1) return void socket.resetAndDestroy();
          return startLine.startsWith("GET /first ") ? OK : "HTTP/1.1 299 Twice\r\n\r\n";
        },
      });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(get("/first"));
      await client.response();
      client.send(text);
      expect((await client.response()).status).toBe(502);
      expect(origin.requests).toHaveLength(2);
      expect(origin.connections).toBe(1);
    });
  }

  behaviour("a GET is not tried again after the first byte of its answer", async () => {
    const origin = await openStrictOrigin({
      onRequest: ({ number }, socket) => {
        if (number > 1) return void socket.end("HTTP/1.1 200 O");
        return OK;
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    await client.response();
    client.send(get("/2"));
    expect((await client.response()).status).toBe(502);
    expect(origin.requests).toHaveLength(2);
  });

  for (const [what, answer] of [
    [
      "says Connection: close",
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
    ["speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
  ]) {
    behaviour(`a connection is not used again when the origin ${what}`, async () => {
      const origin = await openStrictOrigin({ onRequest: () => answer });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(get());
      const { head } = await client.response();
      expect(head).not.toMatch(/connection: close/i);
      client.send(get());
      expect((await client.response()).status).toBe(200);
      expect(origin.connections).toBe(2);
    });
  }

  behaviour("an answer before the end of the upload ends its connection", async () => {
    const refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";
    const origin = await openStrictOrigin({
      onHead: (head) => (head.startsWith("POST") ? refusal : undefined),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc");
    const { status, head, body } = await client.response();
    expect(status).toBe(413);
    expect(head).toMatch(/connection: close/i);
    expect(String(body)).toBe("no");
    await client.raw.closed();
    const other = await RawClient.connect(port);
    other.send(get("/next"));
    expect((await other.response()).status).toBe(200);
    expect(origin.requests.map(({ startLine }) => startLine)).toEqual(["GET /next HTTP/1.1"]);
  });

  behaviour("a target that restarts on its port is reached again at once", async () => {
    const before = await openStrictOrigin();
    const { port } = await open(before.url);
    const client = await RawClient.connect(port);
    client.send(post("1"));
    expect((await client.response()).status).toBe(200);
    await before.close();
    client.send(post("2"));
    expect((await client.response()).status).toBe(502);
    await openStrictOrigin({ port: before.port });
    client.send(post("3"));
    expect((await client.response()).status).toBe(200);
  });
}
