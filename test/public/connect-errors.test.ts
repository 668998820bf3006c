// What connect() and start() say when it does not work: what was found there, and what to do about it.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrosswireError, IPCClient, IPCServer } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { WebSocketServer } from "ws";
import { rejection, until } from "../fixtures/wait.ts";
import { createClient, openClient, openServer } from "./pair.ts";
import { socketPathFor } from "./relay.ts";

const ask = IPCServer.defineRequest<void, string>("connect-errors/ask");
const QUICK = { limits: { connectTimeoutMs: 150 } };
/** No program listens there: it is reserved, and only root could. */
const PORT_WITH_NOBODY = 1;

async function failureOf(client: IPCClient): Promise<CrosswireError> {
  onTestFinished(() => client.disconnect());
  const error = await rejection(client.connect());
  expect(error).toBeInstanceOf(CrosswireError);
  expect(client.isConnected()).toBe(false);
  return error as CrosswireError;
}

/** Whatever is on the port, it is not ours. */
async function openTcp(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    onSocket(socket);
  });
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  server.listen(0, "127.0.0.1");
  await until(server, "listening");
  return (server.address() as { port: number }).port;
}

async function openHttp(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener);
  return openTcp((socket) => void server.emit("connection", socket));
}

interface FakeServer {
  readonly headers?: string[];
  readonly says?: string;
}

/** A WebSocket server that takes everybody, with these headers, and says this. */
async function openWebSocket({ headers = [], says }: FakeServer): Promise<number> {
  const sockets = new WebSocketServer({ noServer: true });
  sockets.on("headers", (lines) => lines.push(...headers));
  const server = createHttpServer();
  server.on("upgrade", (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (ws) => {
      if (says !== undefined) ws.send(says);
    });
  });
  return openTcp((socket) => void server.emit("connection", socket));
}

test("nobody on the port", async () => {
  const { code, message, cause } = await failureOf(new IPCClient(PORT_WITH_NOBODY));
  expect(code).toBe("XW_UNREACHABLE");
  expect(message).toBe(
    "the server at 127.0.0.1:1 cannot be reached (ECONNREFUSED). Start it first: await server.start(), and check the port.",
  );
  expect(cause).toMatchObject({ code: "ECONNREFUSED" });
});

test("nobody on the socket path", async () => {
  const { code, message } = await failureOf(new IPCClient(`ws+unix:${socketPathFor("nobody")}`));
  expect(code).toBe("XW_UNREACHABLE");
  expect(message).toContain("(ENOENT)");
});

test("a foreign HTTP server on the port", async () => {
  const port = await openHttp((_, response) => {
    response.writeHead(404, { server: "nginx" }).end("not here");
  });
  const { code, message } = await failureOf(new IPCClient(port));
  expect(code).toBe("XW_FOREIGN");
  expect(message).toBe(
    `the server at 127.0.0.1:${port} is not a Crosswire server; it answered with HTTP 404 (Server: nginx). ` +
      "Another program has this address: stop it, or use another port.",
  );
});

test("a foreign server that does not speak HTTP", async () => {
  const port = await openTcp((socket) => socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"));
  const { code, message } = await failureOf(new IPCClient(port, QUICK));
  expect(code).toBe("XW_FOREIGN");
  expect(message).toContain("is not a Crosswire server");
});

test("a foreign server that redirects", async () => {
  const port = await openHttp((_, response) => {
    response.writeHead(302, { location: "http://example.com/" }).end();
  });
  const { code, message } = await failureOf(new IPCClient(port));
  expect(code).toBe("XW_FOREIGN");
  expect(message).toContain("HTTP 302");
});

test("a foreign server that answers without end", async () => {
  const port = await openHttp((_, response) => {
    response.writeHead(200);
    const pump = (): void => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
      if (!response.destroyed) response.once("drain", pump);
    };
    pump();
  });
  expect((await failureOf(new IPCClient(port))).code).toBe("XW_FOREIGN");
});

test("a foreign server that begins an answer and stops", async () => {
  const port = await openHttp((_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half an ans");
  });
  const startedAt = performance.now();
  const { code } = await failureOf(new IPCClient(port, QUICK));
  expect(["XW_FOREIGN", "XW_TIMEOUT"]).toContain(code);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("something silent on the port", async () => {
  const port = await openTcp(() => {});
  const { code, message } = await failureOf(new IPCClient(port, QUICK));
  expect(code).toBe("XW_TIMEOUT");
  expect(message).toMatch(/did not answer in 1[45]\d ms; its process is stopped or blocked/);
});

test("something that hangs up on the port", async () => {
  const port = await openTcp((socket) => socket.destroy());
  const { code, message } = await failureOf(new IPCClient(port, QUICK));
  expect(code).toBe("XW_UNREACHABLE");
  expect(message).toContain(`the server at 127.0.0.1:${port} hung up`);
});

test("a server that says no hello", async () => {
  const port = await openWebSocket({ headers: ["Crosswire-Protocol: 1"] });
  const { code, message } = await failureOf(new IPCClient(port, QUICK));
  expect(code).toBe("XW_TIMEOUT");
  expect(message).toContain("said no hello in time");
});

test("a server whose hello is of another version", async () => {
  const hello = JSON.stringify({ version: 2, extensions: [], instanceId: "x" });
  const headers = ["Crosswire-Protocol: 1"];
  const port = await openWebSocket({ headers, says: `m::$hello:${hello}` });
  const { code, message, detail } = await failureOf(new IPCClient(port, QUICK));
  expect(code).toBe("XW_VERSION");
  expect(message).toMatch(/speaks version 2 .* this side version 1\. Install the same major/);
  expect(detail).toEqual({ theirs: 2, ours: 1 });
});

test("a server that refuses this version in the handshake", async () => {
  const port = await openHttp((_, response) => {
    const body = JSON.stringify({ error: "this server speaks version 7", code: "XW_VERSION" });
    response.writeHead(426, { "crosswire-protocol": "7" }).end(body);
  });
  const { code, message } = await failureOf(new IPCClient(port));
  expect(code).toBe("XW_VERSION");
  expect(message).toContain("Install the same major version");
});

test("a server that says nonsense instead of a hello", async () => {
  const headers = ["Crosswire-Protocol: 1"];
  const port = await openWebSocket({ headers, says: "m::$hello:{}" });
  expect((await failureOf(new IPCClient(port, QUICK))).code).toMatch(/^XW_(FRAME|VERSION)$/);
});

test("a foreign WebSocket server: the first call tells that nobody there understands it", async () => {
  const port = await openWebSocket({});
  const client = new IPCClient(port);
  onTestFinished(() => client.disconnect());
  await client.connect();
  await expect(client.sendFrameworkRequest(ask, undefined, 50)).rejects.toMatchObject({
    code: "XW_TIMEOUT",
    message: expect.stringContaining("never said hello") as string,
  });
});

test("a foreign WebSocket server that speaks another protocol is left at its first word", async () => {
  const port = await openWebSocket({ says: '{"jsonrpc":"2.0","method":"welcome"}' });
  const client = new IPCClient(port);
  onTestFinished(() => client.disconnect());
  const lost = new Promise<unknown>((resolve) => client.onClose(({ error }) => resolve(error)));
  await client.connect();
  expect(await lost).toMatchObject({
    code: "XW_FRAME",
    message: expect.stringContaining("sent a frame that cannot be read") as string,
  });
});

test("a wrong token", async () => {
  const server = await openServer();
  const client = new IPCClient(server.getPort(), { token: "wrong-wrong-wrong" });
  const { code, message, detail } = await failureOf(client);
  expect(code).toBe("XW_REFUSED");
  expect(message).toMatch(/the token is wrong.* pass it: new IPCClient\(address, \{ token \}\)/);
  expect(message).not.toContain(server.token);
  expect(detail).toMatchObject({ status: 401 });
  expect(server.clients()).toEqual([]);
});

test("no token to be found, as from another user", async () => {
  const server = await openServer();
  const own = process.env["CROSSWIRE_RUNTIME_DIR"];
  const other = mkdtempSync(join(tmpdir(), "crosswire-other-"));
  onTestFinished(() => {
    process.env["CROSSWIRE_RUNTIME_DIR"] = own;
    rmSync(other, { recursive: true });
  });
  process.env["CROSSWIRE_RUNTIME_DIR"] = other;
  const { code, message } = await failureOf(new IPCClient(server.getPort()));
  expect(code).toBe("XW_REFUSED");
  expect(message).toContain("the token is missing");
});

test("a server that is full", async () => {
  const server = await openServer({ limits: { maxClients: 1 } });
  await openClient(server, "first");
  const { code, message } = await failureOf(createClient(server));
  expect(code).toBe("XW_OVERLOADED");
  expect(message).toContain("limits.maxClients (1)");
});

test.each([
  ["empty", ""],
  ["longer than 256 characters", "x".repeat(257)],
  ["with control characters", "a\u0000b"],
])("a runtimeId that is %s", async (_what, runtimeId) => {
  const client = createClient(await openServer());
  await expect(client.connect(runtimeId)).rejects.toMatchObject({
    code: "XW_REFUSED",
    message: expect.stringContaining("the runtimeId is empty, too long") as string,
  });
});

test("a failed connect() may be tried again", async () => {
  const socketPath = socketPathFor("later");
  const client = new IPCClient(`ws+unix:${socketPath}`);
  expect((await failureOf(client)).code).toBe("XW_UNREACHABLE");
  await openServer({ socketPath });
  await client.connect();
  expect(client.isConnected()).toBe(true);
});

test.each([0, -1, 65_536, 1.5, Number.NaN])("a client refuses the port %s at once", (port) => {
  expect(() => new IPCClient(port)).toThrow(TypeError);
});

test.each(["nonsense", "ftp://127.0.0.1", "localhost:80"])(
  "a client refuses the address %s at once",
  (address) => {
    expect(() => new IPCClient(address)).toThrow(/is not an address; use a port/);
  },
);

test.each([-1, 65_536, 1.5, Number.NaN])("a server refuses the port %s at once", (port) => {
  expect(() => new IPCServer(port)).toThrow(TypeError);
});

test("a server beyond loopback refuses to exist without a token of its own", () => {
  expect(() => new IPCServer(0, { host: "0.0.0.0" })).toThrow(/needs a token of your own/);
});

test.each(["short", "with space in it here", "x".repeat(513)])(
  "a server refuses the token %s",
  (token) => {
    expect(() => new IPCServer(0, { token })).toThrow(/A token has 16 to 512 characters/);
  },
);

test("a server that cannot listen says where and why", async () => {
  const socketPath = join(socketPathFor("x"), "not-a-directory", "s.sock");
  await expect(new IPCServer(0, { socketPath }).start()).rejects.toMatchObject({
    code: "XW_LISTEN",
    message: expect.stringContaining(socketPath) as string,
  });
});

test.each([
  ["an unknown limit", { maxFrame: 1 }, /limits\.maxFrame does not exist; known: callTimeoutMs/],
  ["a limit of 0", { maxClients: 0 }, /limits\.maxClients must be a number above 0/],
  ["a limit that is no number", { maxDepth: "8" }, /limits\.maxDepth must be a number/],
])("%s is refused", (_what, limits, message) => {
  expect(() => new IPCServer(0, { limits: limits as never })).toThrow(message);
  expect(() => new IPCClient(1, { limits: limits as never })).toThrow(message);
});
