// Agents, pools and proxies that share connections: what is answered takes none of them, and leaves none behind.

import http, { Agent, createServer, type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Dispatcher } from "undici";
import { expect, onTestFinished, test } from "vitest";
import { CA, openHttpOrigin } from "../../engine/http-origin.ts";
import { portOf } from "../../fixtures/strict-origin.ts";
import { until } from "../../fixtures/wait.ts";
import { UNDICI_COPIES, type UndiciCopy } from "../clients.ts";
import { capture, NOWHERE, PASS, respond, type TestCapture } from "../world.ts";

const PATHS: readonly string[] = Array.from({ length: 40 }, (_, i) =>
  i % 2 === 0 ? "/real" : "/answered",
);
const ENDS: readonly string[] = PATHS.map((path) => path.slice(1));

function captureAnswered(): TestCapture {
  return capture(({ url }) => (url.endsWith("/answered") ? respond("answered") : PASS));
}

async function get(url: string, options: RequestOptions = {}): Promise<string> {
  const { get: run } = url.startsWith("https:") ? https : http;
  const [response] = await until(run(url, options), "response");
  return text(response as IncomingMessage);
}

const opened = (sockets: Agent["sockets"]): number => Object.values(sockets).flat().length;

test("an https agent with one socket has one connection for 40 answered and passed requests", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"), {
    certificate: "localhost",
  });
  const url = origin.url.replace("127.0.0.1", "localhost");
  captureAnswered();
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: CA });
  onTestFinished(() => agent.destroy());
  const ends: string[] = [];
  for (const path of PATHS) ends.push(await get(url + path, { agent }));
  expect(ends).toEqual(ENDS);
  expect(origin.connections).toBe(1);
  await until(() => opened(agent.freeSockets) === 1, "the connection to be free");
  expect([agent.sockets, agent.requests]).toEqual([{}, {}]);
});

test("an agent with two sockets serves 40 requests at once and has nobody left in its queue", async () => {
  const origin = await openHttpOrigin((_, response) => response.end("real"));
  captureAnswered();
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  onTestFinished(() => agent.destroy());
  const ends = await Promise.all(PATHS.map(async (path) => get(origin.url + path, { agent })));
  expect(ends).toEqual(ENDS);
  expect(origin.connections).toBeLessThanOrEqual(2);
  await until(() => opened(agent.sockets) === 0, "the connections to be free");
  expect(agent.requests).toEqual({});
});

test("a request to a path of the file system is caught, and goes there when it passes", async () => {
  const path = join(tmpdir(), `crosswire-matrix-${process.pid}.sock`);
  await openHttpOrigin((_, response) => response.end("real"), { path });
  captureAnswered();
  const options = { socketPath: path };
  expect(await get("http://localhost/answered", options)).toBe("answered");
  expect(await get("http://localhost/real", options)).toBe("real");
});

test.each(UNDICI_COPIES)(
  "a pool of %s with one connection has one for 40 requests at once",
  async (_, { Pool }) => {
    const origin = await openHttpOrigin((__, response) => response.end("real"));
    const { asked } = captureAnswered();
    const pool = new Pool(origin.url, { connections: 1 });
    onTestFinished(() => pool.destroy());
    const send = async (path: string): Promise<string> =>
      (await pool.request({ path, method: "GET" })).body.text();
    expect(await Promise.all(PATHS.map(send))).toEqual(ENDS);
    expect([origin.connections, asked.length]).toEqual([1, PATHS.length]);
  },
);

test.each(UNDICI_COPIES)(
  "what %s made before the capture, and did not use, is caught",
  async (_, { Agent: UndiciAgent, Pool, Client }) => {
    const made = [new UndiciAgent({}), new Pool(NOWHERE, {}), new Client(NOWHERE, {})];
    onTestFinished(() => Promise.all(made.map(async (one) => one.destroy())).then(() => {}));
    captureAnswered();
    for (const one of made) {
      const settings = { origin: NOWHERE, path: "/answered", method: "GET" } as const;
      expect(await (await one.request(settings)).body.text()).toBe("answered");
    }
  },
);

type WithProxy = UndiciCopy & { readonly ProxyAgent: new (options: object) => Dispatcher };

/** Opens the tunnels that it is asked for. */
async function openTunnelProxy(): Promise<{ url: string; tunnels: string[] }> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer();
  proxy.on("connect", ({ url = "" }, client: Socket) => {
    tunnels.push(url);
    const server = connect(Number(url.split(":")[1]), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      server.pipe(client).pipe(server);
    });
    for (const socket of [client, server]) sockets.add(socket.on("error", () => {}));
  });
  proxy.listen(0, "127.0.0.1");
  await until(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${portOf(proxy)}`, tunnels };
}

test.each(UNDICI_COPIES)(
  "what a proxy of %s would tunnel is asked about once, and tunnelled when it passes",
  async (_, copy) => {
    const origin = await openHttpOrigin((__, response) => response.end("real"));
    const proxy = await openTunnelProxy();
    const { asked } = captureAnswered();
    const agent = new (copy as WithProxy).ProxyAgent({ uri: proxy.url, proxyTunnel: true });
    onTestFinished(() => agent.destroy());
    const urls = [`${origin.url}/real`, `${NOWHERE}/answered`];
    for (const [i, url] of urls.entries()) {
      const { origin: host, pathname: path } = new URL(url);
      const { body } = await agent.request({ origin: host, path, method: "GET" });
      expect(await body.text()).toBe(i === 0 ? "real" : "answered");
    }
    expect(asked.map(({ url }) => url)).toEqual(urls);
    expect(proxy.tunnels).toEqual([`127.0.0.1:${origin.port}`]);
  },
);

test.each(UNDICI_COPIES)("a query of %s is asked about as it is sent", async (_, { Pool }) => {
  const origin = await openHttpOrigin(({ url }, response) => response.end(url));
  const { asked } = capture(() => PASS);
  const pool = new Pool(origin.url, {});
  onTestFinished(() => pool.destroy());
  const query = { a: "b c", d: ["1", "2"] };
  const { body } = await pool.request({ path: "/", method: "GET", query });
  expect(await body.text()).toBe("/?a=b%20c&d=1&d=2");
  expect(asked.map(({ url }) => url)).toEqual([`${origin.url}/?a=b%20c&d=1&d=2`]);
});
