// How a client finds its server without being told: by the environment, or by the port and its runtime file.

import { IPCClient, IPCServer } from "crosswire";
import { expect, onTestFinished, test, vi } from "vitest";
import { openServer } from "./pair.ts";

const ask = IPCServer.defineRequest<void, string>("environment/ask");

function setEnvironment(env: Record<string, string>): void {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function connected(client: IPCClient): Promise<IPCClient> {
  onTestFinished(() => client.disconnect());
  await client.connect();
  return client;
}

test("a client without an address takes that of CROSSWIRE_URL, with its token", async () => {
  const server = await openServer();
  server.onFrameworkMessage(ask, () => "found");
  setEnvironment({ ...server.env, CROSSWIRE_RUNTIME_DIR: "/nowhere" });
  const client = await connected(new IPCClient());
  expect(await client.sendFrameworkRequest(ask)).toBe("found");
});

test("the token of the environment is shown to no other server", async () => {
  const trusted = await openServer();
  const other = await openServer();
  setEnvironment({ ...trusted.env, CROSSWIRE_RUNTIME_DIR: "/nowhere" });
  const client = new IPCClient(other.getPort());
  await expect(client.connect()).rejects.toMatchObject({
    code: "XW_REFUSED",
    message: expect.stringContaining("the token is missing") as string,
  });
});

test("an address given goes before that of the environment", async () => {
  const [meant, other] = [await openServer(), await openServer()];
  meant.onFrameworkMessage(ask, () => "meant");
  other.onFrameworkMessage(ask, () => "other");
  setEnvironment(other.env);
  const client = await connected(new IPCClient(meant.getPort()));
  expect(await client.sendFrameworkRequest(ask)).toBe("meant");
});

test.each([
  ["its port", (server: IPCServer) => server.getPort()],
  ["its URL", (server: IPCServer) => server.getUrl()],
  ["a ws: URL", (server: IPCServer) => `ws://127.0.0.1:${server.getPort()}`],
  ["localhost", (server: IPCServer) => `http://localhost:${server.getPort()}/`],
])("a server is found by %s", async (_what, addressOf) => {
  const server = await openServer();
  const client = await connected(new IPCClient(addressOf(server)));
  expect(client.isConnected()).toBe(true);
});

test("a server tells its port and URL once it listens", async () => {
  const server = new IPCServer(0);
  onTestFinished(() => server.close());
  expect([server.getPort(), server.getUrl()]).toEqual([0, ""]);
  await server.start();
  expect(server.getPort()).toBeGreaterThan(0);
  expect(server.getUrl()).toBe(`http://127.0.0.1:${server.getPort()}`);
  expect(server.env).toEqual({
    CROSSWIRE_URL: server.getUrl(),
    CROSSWIRE_TOKEN: server.token,
  });
});

test("start() may be called twice", async () => {
  const server = await openServer();
  expect(await server.start()).toBe(true);
});

test("each server has a token of its own, of 256 bits", () => {
  const tokens = Array.from({ length: 10 }, () => new IPCServer(0).token);
  expect(new Set(tokens).size).toBe(10);
  for (const token of tokens) expect(Buffer.from(token, "base64url")).toHaveLength(32);
});
