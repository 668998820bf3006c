// The chaos proxy itself: a test that stands on it must be able to trust what it does to a connection.

import { connect, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ChaosOptions, type ChaosProxy, createChaosProxy } from "../fixtures/chaos-proxy.ts";
import { turn, until } from "../fixtures/wait.ts";

interface Wire {
  readonly proxy: ChaosProxy;
  readonly client: Socket;
  readonly server: Socket;
  /** What reached the server, piece by piece. */
  readonly arrived: Buffer[];
}

async function openWire(options: ChaosOptions = {}): Promise<Wire> {
  const listener = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  onTestFinished(() => void listener.close());
  await until(listener, "listening");
  const { port } = listener.address() as { port: number };
  const proxy = await createChaosProxy(() => port, options);
  onTestFinished(() => proxy.close());
  const connected = new Promise<Socket>((resolve) => listener.once("connection", resolve));
  const client = connect({ port: proxy.port, host: "127.0.0.1", noDelay: true });
  const server = await connected;
  const arrived: Buffer[] = [];
  server.on("data", (chunk) => arrived.push(chunk));
  for (const socket of [client, server]) {
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
  }
  return { proxy, client, server, arrived };
}

function sizeOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

const text = Buffer.from("The quick brown fox jumps over the lazy dog. ".repeat(20));

describe("the chaos proxy", () => {
  test("passes on everything in order, however it slices and delays it", async () => {
    const { client, arrived } = await openWire({ sliceBytes: 7, latencyMs: 2, jitterMs: 5 });
    client.write(text);
    await until(() => sizeOf(arrived) === text.length, "the text");
    expect(Buffer.concat(arrived)).toEqual(text);
    expect(arrived.length).toBeGreaterThan(3);
  });

  test("delays by its latency", async () => {
    const { client, arrived } = await openWire({ latencyMs: 50 });
    const start = performance.now();
    client.write("x");
    await until(() => arrived.length > 0, "the byte");
    expect(performance.now() - start).toBeGreaterThanOrEqual(50);
  });

  test("is as narrow as its bandwidth", async () => {
    const { client, arrived } = await openWire({ bytesPerSecond: 10_000, sliceBytes: 100 });
    const start = performance.now();
    client.write(text);
    await until(() => sizeOf(arrived) === text.length, "the text");
    expect(performance.now() - start).toBeGreaterThanOrEqual((1000 * text.length) / 10_000 - 1);
  });

  test("passes on the end of one side without cutting the other", async () => {
    const { client, server, arrived } = await openWire({ latencyMs: 5 });
    client.end("last");
    await until(server, "end");
    expect(String(Buffer.concat(arrived))).toBe("last");
  });

  test("swallows everything as a blackhole, and stays connected", async () => {
    const { proxy, client, server, arrived } = await openWire();
    proxy.faults.blackhole = true;
    client.write("lost");
    server.write("lost");
    for (let i = 0; i < 20; i++) await turn();
    expect(arrived).toEqual([]);
    proxy.faults.blackhole = false;
    client.write("heard");
    await until(() => arrived.length > 0, "what came after");
    expect(String(arrived[0])).toBe("heard");
  });

  test("cuts both ends, and takes new connections", async () => {
    const { proxy, client, server } = await openWire();
    const closed = Promise.all([until(client, "close"), until(server, "close")]);
    proxy.cut();
    await closed;
    const again = connect(proxy.port, "127.0.0.1");
    await until(again, "connect");
    again.destroy();
  });

  test.each([{ resetAfterBytes: 100 }, { endAfterBytes: 100 }])(
    "ends a connection after so many bytes: %o",
    async (fault) => {
      const { client, server, arrived } = await openWire({ ...fault, sliceBytes: 1 });
      const closed = until(server, "close");
      client.write(text);
      await closed;
      expect(sizeOf(arrived)).toBeLessThanOrEqual(100);
    },
  );

  test("flips one bit, in the byte it was told", async () => {
    const { client, arrived } = await openWire({ flipAfterBytes: 100 });
    client.write(text);
    await until(() => sizeOf(arrived) === text.length, "the text");
    const got = Buffer.concat(arrived);
    const wrong = [...got].flatMap((byte, i) => (byte === text[i] ? [] : [i]));
    expect(wrong).toEqual([100]);
    const difference = (got[100] ?? 0) ^ (text[100] ?? 0);
    expect(difference & (difference - 1)).toBe(0);
  });
});
