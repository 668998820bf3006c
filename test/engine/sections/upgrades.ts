// How an upgrade begins, and how it is refused.

import { connect, type Socket } from "node:net";
import { expect } from "vitest";
import { acceptUpgrade } from "../../fixtures/raw-server.ts";
import { openStrictOrigin, type StrictOrigin } from "../../fixtures/strict-origin.ts";
import { valuesOf } from "../../fixtures/strict-message.ts";
import { deferred, turn, until } from "../../fixtures/wait.ts";
import { parseTarget } from "../../../src/http/engine/target.ts";
import { CA, openHttpOrigin } from "../http-origin.ts";
import type { Contract } from "../proxy-front.ts";
import { get, RawClient, upgrade } from "../raw-client.ts";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";

export function describeUpgrades({ behaviour, open }: Contract): void {
  /** An origin that accepts each upgrade; `then` has the socket from there on. */
  function accepting(then: (socket: Socket) => void, lines = ""): Promise<StrictOrigin> {
    return openStrictOrigin({
      onUpgrade: (head, socket) => {
        acceptUpgrade(socket, head, lines);
        then(socket);
      },
    });
  }

  behaviour(
    "an upgrade reaches the origin with its fields, and its answer comes back with its",
    async () => {
      let seen = "";
      const origin = await openStrictOrigin({
        onUpgrade: (head, socket) => {
          seen = head;
          acceptUpgrade(socket, head, "Sec-WebSocket-Protocol: two\r\nX-Odd: 1\r\nX-Odd: 2\r\n");
        },
      });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      const lines = "Sec-WebSocket-Protocol: one, two\r\nX-Case: 1\r\nOrigin: http://localhost\r\n";
      client.send(
        upgrade(`${lines}X-Forwarded-For: 6.6.6.6\r\nKeep-Alive: 5\r\n`, "/ws//x?token=a"),
      );
      const { status, head } = await client.response();
      expect(status).toBe(101);
      expect(head).toMatch(/sec-websocket-protocol: two\r\nX-Odd: 1\r\nX-Odd: 2\r\n/i);
      expect(head).toMatch(/\r\nupgrade: websocket\r\n/i);
      expect(head).toMatch(/\r\nconnection: upgrade\r\n/i);
      expect(seen).toMatch(/^GET \/ws\/\/x\?token=a HTTP\/1\.1\r\n/);
      expect(seen).toMatch(/X-Case: ?1\r\n/);
      expect(seen).toMatch(/\r\nupgrade: ?websocket\r\n/i);
      expect(seen).toMatch(/\r\nconnection: ?upgrade\r\n/i);
      expect(seen).toMatch(/\r\norigin: ?http:\/\/localhost\r\n/i);
      expect(seen).toMatch(/\r\nx-forwarded-for: ?127\.0\.0\.1\r\n/i);
      expect(seen).not.toMatch(/keep-alive|6\.6\.6\.6/i);
    },
  );

  behaviour(
    "what the client sends with its upgrade goes up after the 101, and not before",
    async () => {
      const accept = deferred();
      let upgraded = "";
      const origin = await openStrictOrigin({
        onUpgrade: (head, socket) => {
          socket.on("data", (piece) => (upgraded += String(piece)));
          void accept.promise.then(() => acceptUpgrade(socket, head));
        },
      });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(`${upgrade()}HEAD`);
      await until(() => origin.received().includes("\r\n\r\n"), "the upgrade");
      client.send("MORE");
      for (let n = 0; n < 20; n++) await turn();
      expect(origin.received() + upgraded).toMatch(/\r\n\r\n$/);
      accept.resolve();
      await until(() => upgraded === "HEADMORE", "what was sent early");
      expect((await client.response()).status).toBe(101);
    },
  );

  behaviour("what the origin sends with its 101 comes down", async () => {
    const origin = await openStrictOrigin({
      onUpgrade: (_head, socket) =>
        void socket.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nEARLY",
        ),
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(upgrade());
    expect((await client.response()).status).toBe(101);
    await client.received("EARLY");
  });

  behaviour(
    "a request that follows a refused upgrade in the same packet is never sent up",
    async () => {
      const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
      const origin = await openStrictOrigin({ onRequest: () => answer });
      const { port } = await open(origin.url);
      const client = await RawClient.connect(port);
      client.send(upgrade() + SMUGGLED);
      const { status, body } = await client.response();
      expect([status, String(body)]).toEqual([200, "no"]);
      await client.raw.closed();
      expect(origin.requests).toHaveLength(1);
      expect(origin.received()).not.toContain("smuggled");
    },
  );

  for (const [what, lines, text] of [
    ["a length", "Content-Length: 4\r\n", "nope"],
    ["chunks", "Transfer-Encoding: chunked\r\n", "2\r\nno\r\n2\r\npe\r\n0\r\n\r\n"],
    ["the end of its connection", "", "nope"],
  ] as const) {
    behaviour(`a refusal with ${what} is passed on with status, fields and body`, async () => {
      const refusal = `HTTP/1.1 401 Nobody Home\r\nX-Odd: 1\r\n${lines}Connection: close\r\n\r\n${text}`;
      const origin = await openStrictOrigin({
        onUpgrade: (_head, socket) => void socket.end(refusal),
      });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(upgrade());
      const { startLine, head, body } = await client.response();
      expect(startLine).toBe("HTTP/1.1 401 Nobody Home");
      expect(head).toMatch(/x-odd: 1/i);
      expect(String(body)).toBe("nope");
      await client.raw.closed();
      expect(await front.outcomes.next()).toMatchObject({ status: 401, bytesDown: 4 });
    });
  }

  behaviour("a large refusal is passed on whole to a slow client", async () => {
    const size = 5 << 20;
    const origin = await openHttpOrigin(() => {});
    origin.server.on("upgrade", (_request, socket: Socket) => {
      socket.write(`HTTP/1.1 403 No\r\nContent-Length: ${size}\r\n\r\n`);
      socket.end(Buffer.alloc(size, "x"));
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.raw.socket.pause();
    client.send(upgrade());
    for (let n = 0; n < 50; n++) await turn();
    client.raw.socket.resume();
    expect((await client.response()).body).toHaveLength(size);
  });

  behaviour("an upgrade to a target that is down is a 502 on the wire", async () => {
    const origin = await openStrictOrigin();
    await origin.close();
    const front = await open(origin.url);
    const client = await RawClient.connect(front.port);
    client.send(upgrade());
    const { status, body } = await client.response();
    expect(status).toBe(502);
    expect(String(body)).toContain("XW_UNREACHABLE");
    expect(await front.outcomes.next()).toMatchObject({ status: 0, isUntouched: true });
  });

  behaviour("an upgrade that a dead target did not take goes to the next one", async () => {
    const dead = await openStrictOrigin();
    await dead.close();
    const origin = await accepting((socket) => socket.on("data", (piece) => socket.write(piece)));
    const { port } = await open(dead.url, { fallback: origin.url });
    const client = await RawClient.connect(port);
    client.send(`${upgrade()}echo`);
    expect((await client.response()).status).toBe(101);
    await client.received("echo");
  });

  for (const [what, act] of [
    ["before its answer", (socket: Socket) => socket.destroy()],
    ["in the middle of its answer", (socket: Socket) => socket.end("HTTP/1.1 101 Swit")],
    ["with a malformed answer", (socket: Socket) => socket.end("HTTP/1.1 101 x\r\na b\r\n\r\n")],
    [
      "with a 101 to another protocol",
      (socket: Socket) =>
        socket.write("HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
    ],
    [
      "with a 101 that upgrades nothing",
      (socket: Socket) => socket.write("HTTP/1.1 101 x\r\n\r\n"),
    ],
  ] as const) {
    behaviour(`an origin that breaks off an upgrade ${what} is a 502`, async () => {
      const origin = await openStrictOrigin({ onUpgrade: (_head, socket) => void act(socket) });
      const front = await open(origin.url);
      const client = await RawClient.connect(front.port);
      client.send(upgrade());
      expect((await client.response()).status).toBe(502);
      await client.raw.closed();
      expect(await front.outcomes.next()).toMatchObject({ failure: { code: "XW_UPSTREAM" } });
      await until(() => origin.open === 0, "the end of the upstream connection");
    });
  }

  behaviour("an upgrade that nobody answers is a 504", async () => {
    const origin = await openStrictOrigin({ onRequest: () => undefined });
    const { port } = await open(origin.url, { limits: { proxyUpgradeTimeoutMs: 150 } });
    const client = await RawClient.connect(port);
    client.send(upgrade());
    expect((await client.response()).status).toBe(504);
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  for (const [way, cut] of [
    ["FIN", (socket: Socket) => socket.destroy()],
    ["RST", (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    behaviour(
      `a client that leaves while its upgrade is pending (${way}) ends it upstream`,
      async () => {
        const origin = await openStrictOrigin({ onRequest: () => undefined });
        const front = await open(origin.url);
        const socket = connect(front.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(upgrade());
        await until(() => origin.requests.length === 1, "the upgrade");
        cut(socket);
        await until(() => origin.open === 0, "the end of the upstream connection");
        expect(await front.outcomes.next()).toMatchObject({ status: 0 });
        expect(front.engine.stats()).toMatchObject({ tunnels: 0, exchanges: 0, connections: 0 });
      },
    );
  }

  behaviour("one upgrade beyond the limit of tunnels is a 503", async () => {
    const origin = await accepting(() => {});
    const front = await open(origin.url, { limits: { maxTunnels: 1 } });
    const [first, second] = [
      await RawClient.connect(front.port),
      await RawClient.connect(front.port),
    ];
    first.send(upgrade());
    expect((await first.response()).status).toBe(101);
    second.send(upgrade());
    const { status, body } = await second.response();
    expect(status).toBe(503);
    expect(String(body)).toContain("XW_OVERLOADED");
    first.close();
    await until(() => front.engine.stats().tunnels === 0, "the first tunnel to end");
    const third = await RawClient.connect(front.port);
    third.send(upgrade());
    expect((await third.response()).status).toBe(101);
  });

  behaviour("an upgrade follows plain requests on the same connection", async () => {
    const origin = await openHttpOrigin((_request, response) => void response.end("plain"));
    origin.server.on("upgrade", (_request, socket: Socket) => {
      socket.end(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nUP",
      );
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(get());
    expect(String((await client.response()).body)).toBe("plain");
    client.send(upgrade());
    expect((await client.response()).status).toBe(101);
    await client.received("UP");
  });

  behaviour("an upgrade that comes back to its own proxy is a 508", async () => {
    const itself = { port: 0 };
    const front = await open(() => parseTarget(`http://127.0.0.1:${itself.port}`));
    itself.port = front.port;
    const client = await RawClient.connect(front.port);
    client.send(upgrade());
    expect((await client.response()).status).toBe(508);
  });

  behaviour("an upgrade goes through TLS", async () => {
    const origin = await openHttpOrigin(() => {}, { certificate: "localhost" });
    origin.server.on("upgrade", (_request, socket: Socket) => {
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      );
      socket.pipe(socket);
    });
    const { port } = await open(parseTarget(`wss://localhost:${origin.port}`, { ca: CA }));
    const client = await RawClient.connect(port);
    client.send(upgrade());
    const { status, fields } = await client.response();
    expect(status).toBe(101);
    expect(valuesOf(fields, "upgrade")).toEqual(["websocket"]);
    client.send("echo");
    await client.received("echo");
  });
}
