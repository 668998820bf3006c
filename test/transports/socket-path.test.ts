// Servers on Unix sockets, end to end: how they are found, who may connect, and what killed ones leave behind.

import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IPCClient, IPCServer } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { rejection, until } from "../fixtures/wait.ts";
import { startChild } from "../public/child.ts";
import { openClient, openServer, WORKER } from "../public/pair.ts";
import { socketPathFor } from "../public/relay.ts";

const ask = IPCServer.defineRequest<string, string>("socket-path/ask");
const greet = IPCClient.defineRequest<string, string>("socket-path/greet");

/** A server on `socketPath` that is closed with the test, but not started yet. */
function createServer(socketPath: string): IPCServer {
  const server = new IPCServer(0, { socketPath });
  onTestFinished(() => server.close({ graceMs: 0 }));
  return server;
}

/** The file of a server whose process was killed. */
async function staleSocket(): Promise<string> {
  const socketPath = socketPathFor("stale");
  const child = startChild("listen-on-path.ts", [socketPath]);
  await until(() => child.output.stdout === "listening\n", "the child to listen");
  child.process.kill("SIGKILL");
  await child.ended;
  expect(statSync(socketPath).isSocket()).toBe(true);
  return socketPath;
}

test("a server on a socket path is found by its URL alone, and both sides call", async () => {
  const socketPath = socketPathFor("plain");
  const server = await openServer({ socketPath });
  server.onFrameworkMessage(ask, (text) => `${text}!`);
  const client = await openClient(server, WORKER);
  client.onFrameworkRequest(greet, (name) => `Hello ${name}`);
  expect(server.getUrl()).toBe(`ws+unix:${socketPath}`);
  expect(server.getPort()).toBe(0);
  expect(await client.sendFrameworkRequest(ask, "over unix")).toBe("over unix!");
  expect(await server.sendFrameworkMessage(WORKER, greet, "you")).toBe("Hello you");
});

test.each(["unix:", "unix://", "ws+unix:", "ws+unix://"])(
  "an address may begin with %s",
  async (prefix) => {
    const socketPath = socketPathFor("prefix");
    await openServer({ socketPath });
    const client = new IPCClient(`${prefix}${socketPath}`);
    onTestFinished(() => client.disconnect());
    await client.connect();
    expect(client.isConnected()).toBe(true);
  },
);

test.each(["a space", "ż", "100%41", "#1", "a?x=1", "a:b"])(
  "a path may contain %s",
  async (name) => {
    const server = await openServer({ socketPath: socketPathFor(name) });
    const client = await openClient(server, WORKER);
    expect(client.isConnected()).toBe(true);
  },
);

test("a child process finds it through its environment", async () => {
  const server = await openServer({ socketPath: socketPathFor("env") });
  const { CROSSWIRE_URL, CROSSWIRE_TOKEN } = server.env;
  const client = new IPCClient(CROSSWIRE_URL, { token: CROSSWIRE_TOKEN });
  onTestFinished(() => client.disconnect());
  await client.connect();
  expect(client.isConnected()).toBe(true);
});

test("only this user may connect, and a token is asked all the same", async () => {
  const socketPath = socketPathFor("mode");
  await openServer({ socketPath });
  expect(statSync(socketPath).mode & 0o777).toBe(0o600);
  const stranger = new IPCClient(`ws+unix:${socketPath}`, { token: "x".repeat(43) });
  expect(await rejection(stranger.connect())).toMatchObject({ code: "XW_REFUSED" });
});

test("its runtime file is private, named for the path and gone after close()", async () => {
  const directory = process.env["CROSSWIRE_RUNTIME_DIR"] ?? "";
  const server = createServer(socketPathFor("runtime"));
  const before = readdirSync(directory);
  await server.start();
  const [name = ""] = readdirSync(directory).filter((file) => !before.includes(file));
  expect(name).toMatch(/^unix-.*runtime\.sock-[a-z0-9]+\.json$/);
  const file = join(directory, name);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
    url: server.getUrl(),
    token: server.token,
    pid: process.pid,
  });
  await server.close();
  expect(existsSync(file)).toBe(false);
});

test("two paths that differ only in their signs have runtime files of their own", async () => {
  const directory = socketPathFor("x").replace(/x\.sock$/, "");
  const servers = [`${directory}a+b.sock`, `${directory}a~b.sock`].map(createServer);
  for (const server of servers) expect(await server.start()).toBe(true);
  for (const server of servers) {
    server.onFrameworkMessage(ask, () => server.getUrl());
    const client = await openClient(server, "either");
    expect(await client.sendFrameworkRequest(ask, "")).toBe(server.getUrl());
  }
});

test("the socket file is gone after close(), and the path may be used again", async () => {
  const socketPath = socketPathFor("again");
  const first = createServer(socketPath);
  await first.start();
  await first.close();
  expect(existsSync(socketPath)).toBe(false);
  expect(await createServer(socketPath).start()).toBe(true);
});

test("start() returns false while another server answers on the path", async () => {
  const socketPath = socketPathFor("held");
  const first = await openServer({ socketPath });
  first.onFrameworkMessage(ask, () => "still the first");
  expect(await createServer(socketPath).start()).toBe(false);
  const client = await openClient(first, "later");
  expect(await client.sendFrameworkRequest(ask, "")).toBe("still the first");
});

test("the file that a killed server left behind is taken over", async () => {
  const socketPath = await staleSocket();
  const server = createServer(socketPath);
  server.onFrameworkMessage(ask, () => "the successor");
  expect(await server.start()).toBe(true);
  // Found by the path alone: the runtime file is the successor's too.
  const client = new IPCClient(`ws+unix:${socketPath}`);
  onTestFinished(() => client.disconnect());
  await client.connect();
  expect(await client.sendFrameworkRequest(ask, "")).toBe("the successor");
});

test("a client of a killed server is told that nobody is there", async () => {
  const socketPath = await staleSocket();
  expect(await rejection(new IPCClient(`ws+unix:${socketPath}`).connect())).toMatchObject({
    code: "XW_UNREACHABLE",
    message: expect.stringContaining("ECONNREFUSED") as string,
  });
});

test("of two servers that find a stale file at once, one takes it over", async () => {
  const socketPath = await staleSocket();
  const servers = [createServer(socketPath), createServer(socketPath)];
  const started = await Promise.all(servers.map((server) => server.start()));
  expect(started.filter(Boolean)).toHaveLength(1);
});

test("a file that is no socket is never removed", async () => {
  const path = socketPathFor("precious");
  writeFileSync(path, "years of work");
  const outcome = await createServer(path)
    .start()
    .catch((error: unknown) => error);
  expect(outcome).not.toBe(true);
  expect(readFileSync(path, "utf8")).toBe("years of work");
});

test("a runtime directory that others can read is not trusted", async () => {
  const directory = process.env["CROSSWIRE_RUNTIME_DIR"] ?? "";
  const server = await openServer({ socketPath: socketPathFor("open") });
  chmodSync(directory, 0o755);
  onTestFinished(() => chmodSync(directory, 0o700));
  const client = new IPCClient(server.getUrl());
  expect(await rejection(client.connect())).toMatchObject({
    code: "XW_REFUSED",
    message: expect.stringContaining("the token is missing") as string,
  });
  await expect(createServer(socketPathFor("second")).start()).rejects.toMatchObject({
    code: "XW_LISTEN",
    message: expect.stringContaining("others have access to it") as string,
  });
});
