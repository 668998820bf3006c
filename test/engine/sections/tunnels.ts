// What a WebSocket carries passes as it is: the proxy reads no message and changes none.

import type { Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { acceptUpgrade } from "../../fixtures/raw-server.ts";
import { clientFrame } from "../../fixtures/raw-websocket.ts";
import { openStrictOrigin, type StrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, nextMessage, turn, until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract, FrontOptions, ProxyFront } from "../proxy-front.ts";
import { RawClient, upgrade } from "../raw-client.ts";

export function describeTunnels({ behaviour, open }: Contract): void {
  /** A real server and a real client with a proxy between them. */
  async function openPair(
    options: FrontOptions = {},
  ): Promise<{ client: WebSocket; server: WebSocket; front: ProxyFront }> {
    const origin = await openHttpOrigin(() => {});
    const wss = new WebSocketServer({
      server: origin.server,
      perMessageDeflate: { threshold: 0 },
      handleProtocols: () => "second",
    });
    const connected = deferred<WebSocket>();
    wss.on("connection", connected.resolve);
    const front = await open(origin.url, options);
    const client = new WebSocket(`ws://localhost:${front.port}/a?b=c`, ["first", "second"], {
      perMessageDeflate: { threshold: 0 },
    });
    client.on("error", () => {});
    onTestFinished(() => client.terminate());
    await until(client, "open");
    const server = await connected.promise;
    onTestFinished(() => server.terminate());
    return { client, server, front };
  }

  /** Two raw ends of an open tunnel. */
  async function openRawPair(): Promise<{
    client: RawClient;
    server: Socket;
    origin: StrictOrigin;
  }> {
    const accepted = deferred<Socket>();
    const origin = await openStrictOrigin({
      onUpgrade: (head, socket) => {
        socket.removeAllListeners("end");
        acceptUpgrade(socket, head);
        accepted.resolve(socket);
      },
    });
    const { port } = await open(origin.url);
    const client = await RawClient.connect(port);
    client.send(upgrade());
    expect((await client.response()).status).toBe(101);
    return { client, server: await accepted.promise, origin };
  }

  behaviour("compression and subprotocol are agreed between the two ends", async () => {
    const { client, server } = await openPair();
    expect(client.protocol).toBe("second");
    expect(client.extensions).toContain("permessage-deflate");
    for (const text of ["", "x", "zipped ".repeat(30_000)]) {
      const arrived = nextMessage(server);
      client.send(text);
      expect(await arrived).toBe(text);
      const returned = nextMessage(client);
      server.send(text);
      expect(await returned).toBe(text);
    }
  });

  behaviour("binary messages of 8 MB pass in both directions at once", async () => {
    const { client, server } = await openPair();
    const bytes = Buffer.from(new Uint8Array(8 << 20).map((_, i) => (i * 7) % 251));
    const arrived = [nextMessage(client), nextMessage(server)];
    client.send(bytes, { compress: false });
    server.send(bytes, { compress: false });
    for (const message of await Promise.all(arrived)) {
      expect(Buffer.compare(message as Uint8Array, bytes)).toBe(0);
    }
  });

  behaviour("pings, pongs and close codes pass in both directions", async () => {
    const { client, server, front } = await openPair();
    const pings = [until(server, "ping"), until(client, "pong")];
    client.ping("one");
    expect((await Promise.all(pings)).map(String)).toEqual(["one", "one"]);
    const back = [until(client, "ping"), until(server, "pong")];
    server.ping("two");
    expect((await Promise.all(back)).map(String)).toEqual(["two", "two"]);
    const closes = Promise.all([until(client, "close"), until(server, "close")]);
    client.close(4_321, "enough");
    for (const [code, reason] of await closes)
      expect([code, String(reason)]).toEqual([4_321, "enough"]);
    expect((await front.outcomes.next()).status).toBe(101);
    await until(() => front.clients === 0, "the client's connection to close");
  });

  behaviour("frames pass byte for byte: fragments, odd opcodes, masks, empty ones", async () => {
    const { client, server } = await openRawPair();
    let received = Buffer.alloc(0);
    server.on("data", (piece) => (received = Buffer.concat([received, piece])));
    const frames = Buffer.concat([
      clientFrame("frag", { fin: false }),
      clientFrame("", { opcode: 9 }),
      clientFrame("ment", { opcode: 0 }),
      clientFrame("reserved", { rsv1: true }),
      clientFrame("unknown", { opcode: 11 }),
      Buffer.from(clientFrame("x".repeat(70_000))).fill(7, 10, 14),
    ]);
    for (let at = 0; at < 200; at++) {
      client.send(frames.subarray(at, at + 1));
      await turn();
    }
    client.send(frames.subarray(200));
    await until(() => received.length === frames.length, "all frames");
    expect(Buffer.compare(received, frames)).toBe(0);
    server.write(frames);
    await until(() => client.raw.received.length === frames.length, "all frames back");
    expect(Buffer.compare(client.raw.received, frames)).toBe(0);
  });

  behaviour("a tunnel may be closed in one direction first, by the client", async () => {
    const { client, server } = await openRawPair();
    const ended = until(server, "end");
    server.resume();
    client.raw.socket.end();
    await ended;
    server.end("LATE");
    await client.received("LATE");
    await client.raw.closed();
  });

  behaviour("a tunnel may be closed in one direction first, by the origin", async () => {
    const { client, server } = await openRawPair();
    let received = "";
    server.on("data", (piece) => (received += String(piece)));
    server.end("BYE");
    await client.received("BYE");
    await client.raw.closed();
    client.raw.socket.end("LATE");
    await until(() => received === "LATE", "what the client sent last");
  });

  behaviour("an end that does not read slows down the other one", async () => {
    const { client, server } = await openRawPair();
    client.raw.socket.pause();
    let sent = 0;
    const more = (): void => {
      while (sent < 200 << 20) {
        sent += 1 << 20;
        if (!server.write(Buffer.alloc(1 << 20))) return;
      }
    };
    server.on("drain", more);
    more();
    for (let quiet = 0, last = 0; quiet < 300; quiet++, await turn()) {
      if (sent !== last) quiet = 0;
      last = sent;
    }
    expect(sent).toBeLessThan(40 << 20);
  });

  behaviour("tunnels are counted, and their bytes", async () => {
    const { client, server, front } = await openPair();
    expect(front.engine.stats().tunnels).toBe(1);
    const arrived = nextMessage(server);
    client.send("x".repeat(5_000), { compress: false });
    await arrived;
    const returned = nextMessage(client);
    server.send("y".repeat(7_000), { compress: false });
    await returned;
    client.terminate();
    const { status, bytesUp, bytesDown } = await front.outcomes.next();
    expect(status).toBe(101);
    expect(bytesUp).toBeGreaterThanOrEqual(5_000);
    expect(bytesDown).toBeGreaterThanOrEqual(7_000);
    expect(front.engine.stats()).toMatchObject({ tunnels: 0, connections: 0 });
  });

  behaviour("1,000 messages pass in order while others open and close tunnels", async () => {
    const { client, server } = await openPair();
    const texts: string[] = [];
    server.on("message", (data) => texts.push(String(data)));
    for (let n = 0; n < 1_000; n++) client.send(String(n));
    for (let n = 0; n < 3; n++) (await openPair()).client.terminate();
    await until(() => texts.length === 1_000, "all messages");
    expect(texts).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n)));
  });
}
