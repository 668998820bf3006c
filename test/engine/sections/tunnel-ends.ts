// How tunnels end: one side dies, both are silent, or the engine closes.

import type { Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { acceptUpgrade, serverFrame } from "../../fixtures/raw-server.ts";
import { clientFrame, RawWebSocket } from "../../fixtures/raw-websocket.ts";
import { openStrictOrigin, type StrictOrigin } from "../../fixtures/strict-origin.ts";
import { deferred, inbox, until } from "../../fixtures/wait.ts";
import { openHttpOrigin } from "../http-origin.ts";
import type { Contract, FrontOptions, ProxyFront } from "../proxy-front.ts";
import { RawClient, upgrade } from "../raw-client.ts";

const MIB = 1 << 20;

interface RawPair {
  readonly client: RawClient;
  readonly server: Socket;
  readonly origin: StrictOrigin;
  readonly front: ProxyFront;
}

export function describeTunnelEnds({ behaviour, open }: Contract): void {
  async function openRawPair(options: FrontOptions = {}): Promise<RawPair> {
    const accepted = deferred<Socket>();
    const origin = await openStrictOrigin({
      onUpgrade: (head, socket) => {
        acceptUpgrade(socket, head);
        accepted.resolve(socket);
      },
    });
    const front = await open(origin.url, options);
    const client = await RawClient.connect(front.port);
    client.send(upgrade());
    expect((await client.response()).status).toBe(101);
    return { client, server: await accepted.promise, origin, front };
  }

  /** A front before a real WebSocket server, and what that server saw. */
  async function openServed(): Promise<{
    front: ProxyFront;
    closes: ReturnType<typeof inbox<number>>;
    sizes: ReturnType<typeof inbox<number>>;
    /** Bytes of frames that came to the server. */
    framed: () => number;
  }> {
    const origin = await openHttpOrigin(() => {});
    let framed = (): number => 0;
    origin.server.on("upgrade", ({ socket }, _duplex, head) => {
      const before = socket.bytesRead - head.length;
      framed = () => socket.bytesRead - before;
    });
    const wss = new WebSocketServer({ server: origin.server });
    const closes = inbox<number>("a close at the origin");
    const sizes = inbox<number>("a message at the origin");
    wss.on("connection", (socket) => {
      socket.on("message", (data: Buffer) => sizes.put(data.length));
      socket.on("close", (code) => closes.put(code));
      socket.on("error", () => {});
    });
    onTestFinished(() => wss.clients.forEach((socket) => socket.terminate()));
    return { front: await open(origin.url), closes, sizes, framed: () => framed() };
  }

  async function openClient({ port }: ProxyFront): Promise<RawWebSocket> {
    return RawWebSocket.open({ token: "-", getPort: () => port }, { target: "/" });
  }

  for (const [way, cut] of [
    ["FIN", (socket: Socket) => socket.destroy()],
    ["RST", (socket: Socket) => socket.resetAndDestroy()],
  ] as const) {
    behaviour(`a client that dies (${way}) ends the tunnel upstream`, async () => {
      const { client, server, origin, front } = await openRawPair();
      server.resume();
      cut(client.raw.socket);
      await until(() => origin.open === 0, "the end of the upstream connection");
      expect((await front.outcomes.next()).status).toBe(101);
      expect(front.engine.stats()).toMatchObject({ tunnels: 0, connections: 0 });
    });

    behaviour(`an origin that dies (${way}) ends the tunnel of the client`, async () => {
      const { client, server, front } = await openRawPair();
      cut(server);
      await client.raw.closed();
      client.close();
      expect((await front.outcomes.next()).status).toBe(101);
      expect(front.engine.stats().tunnels).toBe(0);
    });
  }

  behaviour("a tunnel in which nothing moves is closed after its time", async () => {
    const { client, origin } = await openRawPair({ limits: { tunnelIdleMs: 100 } });
    await client.raw.closed();
    client.close();
    await until(() => origin.open === 0, "the end of the upstream connection");
  });

  behaviour(
    "a tunnel in which one direction moves is not idle, nor bound by other timeouts",
    async () => {
      const limits = { tunnelIdleMs: 300, proxyIdleTimeoutMs: 100, proxyTotalTimeoutMs: 100 };
      const busy = await openRawPair({ limits });
      const idle = await openRawPair({ limits });
      const pace = setInterval(() => busy.server.write("x"), 25);
      onTestFinished(() => clearInterval(pace));
      await idle.client.raw.closed();
      expect(busy.client.raw.isClosed).toBe(false);
    },
  );

  behaviour("closing says 1001 to both ends", async () => {
    const { front, closes } = await openServed();
    const client = new WebSocket(`ws://localhost:${front.port}/`);
    onTestFinished(() => client.terminate());
    await until(client, "open");
    const closed = until(client, "close");
    const closing = front.engine.close({ graceMs: 2_000 });
    expect((await closed)[0]).toBe(1001);
    expect(await closes.next()).toBe(1001);
    await closing;
    expect(front.engine.stats()).toMatchObject({ tunnels: 0, connections: 0 });
  });

  behaviour(
    "closing says 1001 upstream only after the frame that the client is sending",
    async () => {
      const { front, closes, sizes, framed } = await openServed();
      const client = await openClient(front);
      const frame = clientFrame(Buffer.alloc(MIB), { opcode: 2 });
      client.raw.write(frame.subarray(0, 300_000));
      await until(() => framed() === 300_000, "the start of the frame at the server");
      const closing = front.engine.close({ graceMs: 3_000 });
      expect(await client.closed()).toBe(1001);
      client.raw.write(frame.subarray(300_000));
      expect(await sizes.next()).toBe(MIB);
      expect(await closes.next()).toBe(1001);
      client.raw.socket.destroy();
      await closing;
    },
  );

  behaviour("closing says 1001 down only after the frame that the origin is sending", async () => {
    const { client, server, front } = await openRawPair();
    server.resume();
    const frame = serverFrame(Buffer.alloc(MIB));
    const down = new RawWebSocket(client.raw);
    server.write(frame.subarray(0, 300_000));
    await until(() => client.raw.received.length === 300_000, "the start of the frame");
    const closing = front.engine.close({ graceMs: 3_000 });
    server.write(frame.subarray(300_000));
    expect(await down.closed()).toBe(1001);
    client.close();
    server.destroy();
    await closing;
  });

  behaviour("a header of a frame that comes byte by byte is no boundary", async () => {
    const { front, closes, sizes, framed } = await openServed();
    const client = await openClient(front);
    const frame = clientFrame(Buffer.alloc(100_000), { opcode: 2 });
    for (let at = 0; at < 7; at++) {
      client.raw.write(frame.subarray(at, at + 1));
      await until(() => framed() === at + 1, "the byte at the server");
    }
    const closing = front.engine.close({ graceMs: 3_000 });
    expect(await client.closed()).toBe(1001);
    client.raw.write(frame.subarray(7));
    expect(await sizes.next()).toBe(100_000);
    expect(await closes.next()).toBe(1001);
    client.raw.socket.destroy();
    await closing;
  });

  behaviour("closing does not wait longer than its grace for ends that say nothing", async () => {
    const { client, server, front } = await openRawPair();
    server.resume();
    await front.engine.close({ graceMs: 50 });
    expect(front.engine.stats()).toMatchObject({ tunnels: 0, connections: 0 });
    await client.raw.closed();
  });
}
