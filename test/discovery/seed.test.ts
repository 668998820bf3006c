// The original document's snippets about discovery, with only the import and the names of the definitions changed.

import { IPCClient, IPCServer } from "crosswire";
import {
  DiscoveryClient,
  DiscoveryIPC,
  DiscoveryServer,
  type ServiceEntry,
} from "crosswire/discovery";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../fixtures/wait.ts";
import { openApp } from "../proxy/apps.ts";
import { openServer } from "../public/pair.ts";
import { openPlace } from "./fixtures/registry-world.ts";

test("a plain client registers and discovers by the definitions alone", async () => {
  const { server, discovery } = await openPlace();
  const port = server.getPort();
  const entries = [{ api: "my-api", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/my" }];

  const client = new IPCClient(port);
  onTestFinished(() => client.disconnect());
  await client.connect();

  // Register routes
  await client.sendFrameworkRequest(DiscoveryIPC.discoveryServer.register, entries);

  // Discover another service
  const result = await client.sendFrameworkRequest(
    DiscoveryIPC.discoveryServer.discoverApi,
    "my-api",
  );
  expect(result).toMatchObject({ success: true, url: `http://127.0.0.1:${port}` });
  expect(discovery.list()).toMatchObject(entries);

  const other = await client.sendFrameworkRequest(
    DiscoveryIPC.discoveryServer.discoverApi,
    "other",
  );
  expect(other).toMatchObject({ success: false });
  expect(!other.success && other.error).toContain("Service not registered");
});

test("the handlers of the document can be written over the definitions, on a plain server", async () => {
  class OwnDiscovery {
    readonly routes: ServiceEntry[] = [];
    readonly server: IPCServer;

    constructor(server: IPCServer) {
      this.server = server;
      server.onFrameworkMessage(DiscoveryIPC.discoveryServer.register, async (routes) => {
        routes.forEach((route) => this.routes.push(route));
      });

      server.onFrameworkMessage(DiscoveryIPC.discoveryServer.discoverApi, async (apiName) => {
        const route = this.routes.find(({ api }) => api === apiName);
        if (route)
          return { success: true, url: this.server.getUrl(), baseUrl: route.baseUrl, epoch: 0 };
        return { success: false, error: "Service not registered", retryable: false };
      });

      // Route unhandled HTTP/WebSocket traffic to actual services
      server.setRouteProxyResolver((path) => {
        return this.routes.find((route) => path.startsWith(route.pathPrefix ?? ""))?.baseUrl;
      });
    }
  }
  const app = await openApp("app");
  const server = await openServer();
  const own = new OwnDiscovery(server);
  const client = new IPCClient(server.getPort());
  onTestFinished(() => client.disconnect());
  await client.connect();
  const discovery = new DiscoveryClient(client);
  await discovery.register([{ api: "app", baseUrl: app.url, pathPrefix: "/app" }]);
  expect(own.routes).toEqual([{ api: "app", baseUrl: app.url, pathPrefix: "/app" }]);
  expect(await discovery.discoverApi("app")).toMatchObject({ success: true, baseUrl: app.url });
  expect(await (await fetch(`${server.getUrl()}/app/1`)).json()).toMatchObject({ url: "/app/1" });
});

test("mock mode: the traffic of an api ends at a mock handler of the test server", async () => {
  const { server, discovery: discoveryServer } = await openPlace();

  // Route discovery traffic for this API to the test server
  discoveryServer.addRoute({ api: "user-api", baseUrl: server.getUrl(), pathPrefix: "/users" });

  // Register a mock handler
  server.interceptHttp("GET", "/users/:id", async (_body, pathParams) => {
    return { success: true, statusCode: 200, data: { id: pathParams.id, name: "Mock User" } };
  });

  const client = new IPCClient(server.getPort());
  onTestFinished(() => client.disconnect());
  await client.connect();
  const found = await new DiscoveryClient(client).discoverApi("user-api");
  if (!found.success) throw new Error(found.error);
  const answer = await fetch(`${found.baseUrl}/users/7`);
  expect(await answer.json()).toEqual({
    success: true,
    statusCode: 200,
    data: { id: "7", name: "Mock User" },
  });
  // What has no mock handler is told as such, and not sent round in a circle.
  const unknown = await fetch(`${found.url}/users/7/orders`);
  expect([unknown.status, await unknown.json()]).toMatchObject([
    404,
    { error: expect.stringContaining('nothing is served at "/users/7/orders"') as string },
  ]);
});

test("spy mode: what the mock handler forwards gets to the real service", async () => {
  const { server, discovery } = await openPlace();
  const orders = await openApp("orders");
  discovery.addRoute({ api: "orders", baseUrl: orders.url, pathPrefix: "/orders" });
  const seen: unknown[] = [];
  server.interceptHttp("POST", "/orders", async (body) => {
    seen.push(body);
    const targetUrl = `${discovery.getRoute("orders")?.baseUrl}/orders`;
    const response = await fetch(targetUrl, { method: "POST", body: JSON.stringify(body) });
    return response;
  });
  const answer = await fetch(`${server.getUrl()}/orders`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: '{"item":1}',
  });
  expect(await answer.json()).toMatchObject({ app: "orders", body: '{"item":1}' });
  expect(seen).toEqual([{ item: 1 }]);
});

/** The document's leader election, by hand; what it forgot is that followers, too, have to register again. */
class ResilientDiscovery {
  isLeader = false;
  readonly #knownPort: number;
  readonly #entries: ServiceEntry[];
  #isClosed = false;
  #close: () => Promise<void> = async () => {};

  constructor(knownPort: number, entries: ServiceEntry[]) {
    this.#knownPort = knownPort;
    this.#entries = entries;
  }

  async becomeLeaderOrFollower(): Promise<void> {
    const knownPort = this.#knownPort;
    if (this.#isClosed) return;
    const server = new IPCServer(knownPort);
    const discovery = new DiscoveryServer(server);
    if (await server.start()) {
      // Port was available - this instance is the leader
      this.isLeader = true;
      this.#close = () => server.close({ graceMs: 0 });
      for (const entry of this.#entries) discovery.addRoute(entry);
    } else {
      // Port already taken - connect as follower
      const client = new IPCClient(knownPort);
      this.#close = () => client.disconnect();
      await client.connect();
      client.onClose(async () => {
        // Leader died - try to become the new leader
        await this.becomeLeaderOrFollower();
      });
      await new DiscoveryClient(client).register(this.#entries);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#close();
  }
}

test("leader election by hand: when the leader is gone a follower leads, and all services are there", async () => {
  const first = await openPlace();
  const knownPort = first.server.getPort();
  const members = ["a", "b", "c"].map(
    (api) => new ResilientDiscovery(knownPort, [{ api, baseUrl: `http://${api}` }]),
  );
  onTestFinished(async () => {
    await Promise.all(members.map((member) => member.close()));
  });
  await Promise.all(members.map((member) => member.becomeLeaderOrFollower()));
  expect(members.filter(({ isLeader }) => isLeader)).toEqual([]);
  expect(new Set(first.discovery.list().map(({ api }) => api))).toEqual(new Set(["a", "b", "c"]));

  await first.server.close();

  await until(() => members.some(({ isLeader }) => isLeader), "a new leader");
  const client = new IPCClient(knownPort);
  onTestFinished(() => client.disconnect());
  await client.connect();
  const discovery = new DiscoveryClient(client);
  const watched = new Set<string>();
  for await (const item of discovery.watch()) {
    const services =
      "services" in item ? item.services : item.changes.map(({ service }) => service);
    for (const { api } of services) watched.add(api);
    if (watched.size === 3) break;
  }
  expect(members.filter(({ isLeader }) => isLeader)).toHaveLength(1);
});
