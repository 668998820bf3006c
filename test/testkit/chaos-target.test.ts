// Where a chaos proxy connects to, who is told when nobody is there, and what is refused as an option.

import { createServer } from "node:net";
import { join } from "node:path";
import { CrosswireError } from "crosswire";
import { describe, expect, onTestFinished, test } from "vitest";
import { createChaosProxy, type ChaosOptions } from "../../src/testkit/chaos/chaos-proxy.ts";
import type { ChaosTarget } from "../../src/testkit/chaos/target.ts";
import { nextWarning, rejection, turn, until } from "../fixtures/wait.ts";
import { dial, openOrigin, openProxy, openWire } from "./chaos-wire.ts";

function resources(kind: string): string[] {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith(kind));
}

/** How many timers there are when the tests before have come to their end. */
async function quietTimers(): Promise<number> {
  await until(() => resources("TCP").length === 0, "the sockets of other tests to close");
  return resources("Timeout").length;
}

type Ports = (port: number) => ChaosTarget;

describe("a target", () => {
  test.each<{ what: string; target: Ports }>([
    { what: "a port", target: (port) => port },
    { what: "host:port", target: (port) => `127.0.0.1:${port}` },
    { what: "a name", target: (port) => `localhost:${port}` },
    { what: "a URL with more", target: (port) => `redis://user:secret@127.0.0.1:${port}/0?a=b` },
    { what: "a URL object", target: (port) => new URL(`http://localhost:${port}/path`) },
    { what: "an object", target: (port) => ({ port }) },
    { what: "an object with a host", target: (port) => ({ port, host: "localhost" }) },
    { what: "a function", target: (port) => () => `http://127.0.0.1:${port}` },
  ])("may be $what", async ({ target }) => {
    const origin = await openOrigin();
    const proxy = await openProxy(target(origin.port));
    const client = dial(proxy.port);
    (await origin.next()).socket.write("hello");
    await client.gets("hello");
  });

  test("may be a Unix socket, which is closed where a port gets a RST", async () => {
    const isWindows = process.platform === "win32";
    const name = `chaos-${process.pid}`;
    const directory = String(process.env["CROSSWIRE_RUNTIME_DIR"]);
    const socketPath = isWindows ? `\\\\.\\pipe\\${name}` : join(directory, name);
    let hasClosed = false;
    const listener = createServer((socket) => {
      socket.pipe(socket);
      socket.on("error", () => {});
      socket.on("close", () => (hasClosed = true));
    });
    onTestFinished(() => void listener.close());
    listener.listen(socketPath);
    await until(listener, "listening");
    const proxy = await openProxy({ socketPath });
    const client = dial(proxy.port);
    client.socket.write("echo");
    await client.gets("echo");
    proxy.cut();
    await until(() => client.seen.includes("close") && hasClosed, "both ends to close");
    expect(client.seen).toContain("ECONNRESET");
  });

  test("that is a function is asked at each connection", async () => {
    const origins = [await openOrigin(), await openOrigin()];
    let asked = 0;
    const proxy = await openProxy(() => origins[asked++]?.port);
    expect(asked).toBe(0);
    for (const origin of origins) {
      const client = dial(proxy.port);
      (await origin.next()).socket.write("here");
      await client.gets("here");
    }
  });

  test.each<{ what: string; target: () => number | undefined }>([
    { what: "undefined", target: () => undefined },
    { what: "the port 0", target: () => 0 },
  ])("that is $what for now costs the client a RST", async ({ target }) => {
    const proxy = await openProxy(target);
    const client = dial(proxy.port);
    await until(() => client.seen.includes("close"), "the RST");
    expect(client.seen).toEqual(["ECONNRESET", "close"]);
    expect(proxy.connections).toBe(0);
  });

  test.each<{ what: string; target: () => number; text: string }>([
    {
      what: "throws",
      target: () => {
        throw new Error("no port in the book");
      },
      text: "no port in the book",
    },
    { what: "returns no address", target: () => -1, text: "target -1 is not an address" },
  ])("function that $what costs the client a RST, and is warned of", async ({ target, text }) => {
    const proxy = await openProxy(target);
    const warned = nextWarning();
    const client = dial(proxy.port);
    await until(() => client.seen.includes("close"), "the RST");
    expect(client.seen).toEqual(["ECONNRESET", "close"]);
    expect((await warned).message).toContain(text);
  });

  test("that refuses costs the client a RST, and is asked again for the next one", async () => {
    const { port, close } = await openOrigin();
    await close();
    const proxy = await openProxy(port);
    const refused = dial(proxy.port);
    refused.socket.write("is anybody there?");
    await until(() => refused.seen.includes("close"), "the RST");
    expect(refused.seen).toEqual(["ECONNRESET", "close"]);
    const origin = await openOrigin(port);
    const client = dial(proxy.port);
    (await origin.next()).socket.write("now there is");
    await client.gets("now there is");
  });

  test("that goes away in the middle costs the client a RST", async () => {
    const { proxy, client, server } = await openWire();
    server.socket.write("half of");
    await client.gets("half of");
    server.socket.resetAndDestroy();
    await until(() => client.seen.includes("close"), "the RST");
    expect(client.seen).toEqual(["ECONNRESET", "close"]);
    expect(proxy.connections).toBe(0);
  });

  test("gets what the client sent before it was connected to", async () => {
    const origin = await openOrigin();
    const proxy = await openProxy(origin.port, { toTarget: { endAfterBytes: 5 } });
    const client = dial(proxy.port);
    client.socket.write("early bird");
    const server = await origin.next();
    await until(() => server.seen.includes("end"), "the FIN");
    expect(server.text()).toBe("early");
  });
});

describe("a chaos proxy", () => {
  test("that refuses resets new connections and keeps the open ones", async () => {
    const { proxy, client, server } = await openWire();
    proxy.faults = { refuse: true };
    const refused = dial(proxy.port);
    await until(() => refused.seen.includes("close"), "the RST");
    expect(refused.seen).toEqual(["ECONNRESET", "close"]);
    client.socket.write("still here");
    await server.gets("still here");
    expect(proxy.connections).toBe(1);
  });

  test("cuts all connections with a RST, and takes new ones", async () => {
    const origin = await openOrigin();
    const proxy = await openProxy(origin.port);
    const clients = [dial(proxy.port), dial(proxy.port)];
    const ends = [...clients, await origin.next(), await origin.next()];
    expect(proxy.connections).toBe(2);
    proxy.cut();
    await until(() => ends.every(({ seen }) => seen.includes("close")), "all ends");
    expect(ends.map(({ seen }) => seen)).toEqual(ends.map(() => ["ECONNRESET", "close"]));
    const again = dial(proxy.port);
    (await origin.next()).socket.write("again");
    await again.gets("again");
  });

  test("ends all connections with a FIN, behind what is on its way", async () => {
    const { proxy, client, server } = await openWire({ latencyMs: 10 });
    client.socket.write("to the server");
    server.socket.write("to the client");
    await until(() => client.socket.bytesWritten + server.socket.bytesWritten === 26, "both");
    for (let i = 0; i < 5; i++) await turn();
    proxy.end();
    await until(() => client.seen.includes("end") && server.seen.includes("end"), "both ends");
    expect([client.text(), server.text()]).toEqual(["to the client", "to the server"]);
    client.socket.end();
    server.socket.end();
    await until(() => proxy.connections === 0, "the connection to be over");
  });

  test("counts what it passed on in each direction", async () => {
    const { proxy, client, server } = await openWire();
    client.socket.write("12345");
    await server.gets("12345");
    server.socket.write("123");
    await client.gets("123");
    expect(proxy.bytes).toEqual({ toTarget: 5, toClient: 3 });
  });

  test("gives URLs its own host and port", async () => {
    const { proxy } = await openWire();
    const { port } = proxy;
    expect(proxy.host).toBe("127.0.0.1");
    expect(proxy.urlFor("postgres://me:pw@db:5432/shop?ssl=0")).toBe(
      `postgres://me:pw@127.0.0.1:${port}/shop?ssl=0`,
    );
    expect(proxy.urlFor(new URL("http://[::1]/a"))).toBe(`http://127.0.0.1:${port}/a`);
    expect(proxy.urlFor("redis://cache")).toBe(`redis://127.0.0.1:${port}`);
  });

  test("listens on the port it is told, or says by name that it cannot", async () => {
    const free = await openOrigin();
    await free.close();
    const target = await openOrigin();
    expect((await openProxy(target.port, { port: free.port })).port).toBe(free.port);
    const error = await rejection(createChaosProxy(1, { port: free.port }));
    expect(error).toBeInstanceOf(CrosswireError);
    expect(error).toMatchObject({
      code: "XW_LISTEN",
      message: expect.stringContaining(String(free.port)),
    });
  });

  test.each<{ what: string; faults: ChaosOptions }>([
    { what: "nothing wrong", faults: {} },
    { what: "bytes that wait for an hour", faults: { latencyMs: 3_600_000, sliceBytes: 1 } },
    { what: "a stall", faults: { stall: true } },
    { what: "a blackhole", faults: { blackhole: true } },
  ])("closes with open connections and $what, and leaves nothing", async ({ faults }) => {
    const timersBefore = await quietTimers();
    const { proxy, client, server } = await openWire(faults);
    client.socket.write("on its way");
    server.socket.end("over");
    await until(() => server.socket.writableFinished, "the bytes to leave");
    await turn();
    const closing = proxy.close();
    expect(proxy.close()).toBe(closing);
    await closing;
    expect(proxy.connections).toBe(0);
    // An end that has seen a FIN does not look out for a RST any more.
    client.socket.destroy();
    server.socket.destroy();
    const gone = dial(proxy.port);
    await until(() => gone.seen.includes("close"), "the refusal");
    expect(gone.seen).toEqual(["ECONNREFUSED", "close"]);
    // The listener of the origin stays until the test is over.
    await until(() => resources("TCP").length === 1, "all sockets to close");
    expect(resources("Timeout").length).toBeLessThanOrEqual(timersBefore);
  });

  test("leaves no timer behind for what one end did after the other was gone", async () => {
    const timersBefore = await quietTimers();
    const { proxy, client, server } = await openWire({ latencyMs: 3_600_000 });
    client.socket.resetAndDestroy();
    for (let i = 0; i < 5; i++) await turn();
    server.socket.end();
    for (let i = 0; i < 5; i++) await turn();
    expect(proxy.connections).toBe(1);
    await proxy.close();
    await turn();
    expect(resources("Timeout").length).toBeLessThanOrEqual(timersBefore);
  });

  test("closes while it still dials its target", async () => {
    // A host of the documentation, which nobody has: the connection hangs, or fails, in its time.
    const proxy = await openProxy("192.0.2.1:9");
    const client = dial(proxy.port);
    await until(client.socket, "connect");
    await until(() => proxy.connections === 1 || client.seen.length > 0, "the proxy to dial");
    await proxy.close();
    await until(() => client.seen.includes("close"), "the RST");
  });

  test("closes at the end of its scope", async () => {
    const origin = await openOrigin();
    let port = 0;
    {
      await using proxy = await createChaosProxy(origin.port);
      ({ port } = proxy);
    }
    const gone = dial(port);
    await until(() => gone.seen.includes("close"), "the refusal");
    expect(gone.seen).toEqual(["ECONNREFUSED", "close"]);
  });
});

describe("a TypeError names", () => {
  test.each<[string, unknown]>([
    ["latencyMs must be a number of milliseconds, 0 or more, but is -1.", { latencyMs: -1 }],
    ["jitterMs must be", { jitterMs: "5" }],
    ["bytesPerSecond must be a number above 0, but is 0.", { bytesPerSecond: 0 }],
    ["sliceBytes must be a whole number, 1 or more, but is 0.5.", { sliceBytes: 0.5 }],
    ["stall must be true or false, but is 1.", { stall: 1 }],
    ["blackhole must be", { blackhole: "yes" }],
    ["resetAfterBytes must be", { resetAfterBytes: -1 }],
    ["endAfterBytes must be", { endAfterBytes: NaN }],
    ["flipAfterBytes must be", { flipAfterBytes: Infinity }],
    ["refuse must be", { refuse: null }],
    ["toTarget must be an object", { toTarget: 5 }],
    ["toClient.latencyMs must be", { toClient: { latencyMs: Infinity } }],
    ["toClient.refuse does not exist", { toClient: { refuse: true } }],
    ["latency does not exist. A chaos proxy knows: latencyMs, ", { latency: 5 }],
  ])("%s", async (text, faults) => {
    expect(() => createChaosProxy(1, faults as ChaosOptions)).toThrow(TypeError);
    expect(() => createChaosProxy(1, faults as ChaosOptions)).toThrow(text);
    const proxy = await openProxy(1, { latencyMs: 7 });
    expect(() => (proxy.faults = faults as ChaosOptions)).toThrow(text);
    expect(proxy.faults).toEqual({ latencyMs: 7 });
  });

  test.each<[string, unknown]>([
    ["port must be a whole number from 0 to 65535, but is 70000.", { port: 70_000 }],
    ["port must be", { port: "80" }],
    ["seed must be a whole number, but is 0.5.", { seed: 0.5 }],
  ])("%s (an option only)", (text, options) => {
    expect(() => createChaosProxy(1, options as ChaosOptions)).toThrow(text);
  });

  test.each<unknown>([
    0,
    65_536,
    "",
    "3000",
    "localhost",
    ":3000",
    "localhost:http",
    "redis://cache",
    "http://",
    {},
    { port: "80" },
    { port: 80, host: "" },
    { socketPath: "" },
    null,
    undefined,
  ])("the target: %j", (target) => {
    expect(() => createChaosProxy(target as ChaosTarget)).toThrow(TypeError);
    expect(() => createChaosProxy(target as ChaosTarget)).toThrow(/^target .+ is not an address/);
  });
});
