// The snippets of the original design document, word for word, with only the import changed.

import { IPCClient, IPCServer } from "crosswire";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../fixtures/wait.ts";

interface GGServiceDiscoveryEntry {
  readonly api: string;
  readonly baseUrl: string;
  readonly pathPrefix: string;
}

type DiscoverApiResult =
  | { readonly success: true; readonly url: string }
  | { readonly success: false; readonly error: string };

const GGDiscoveryIPC = {
  discoveryServer: {
    register: IPCServer.defineRequest<GGServiceDiscoveryEntry[], void>("discovery/register"),
    discoverApi: IPCServer.defineRequest<string, DiscoverApiResult>("discovery/discoverApi"),
  },
};

const TestableIPC = {
  server: {
    registerKeys: IPCServer.defineRequest<{ runtimeId: string; keys: string[] }, void>(
      "testable/registerKeys",
    ),
  },
};

const GGConfigIPC = {
  worker: {
    update: IPCClient.defineRequest<{ storeName: string; keyName: string; value: unknown }, void>(
      "config/update",
    ),
  },
};

class DiscoveryServer {
  readonly routes: GGServiceDiscoveryEntry[] = [];
  readonly server: IPCServer;

  constructor(server: IPCServer) {
    this.server = server;
    server.onFrameworkMessage(GGDiscoveryIPC.discoveryServer.register, async (routes) => {
      routes.forEach((route) => this.addRoute(route));
    });

    server.onFrameworkMessage(GGDiscoveryIPC.discoveryServer.discoverApi, async (apiName) => {
      const route = this.getRoute(apiName);
      if (route) return { success: true, url: this.server.getUrl() };
      return { success: false, error: "Service not registered" };
    });
  }

  addRoute(route: GGServiceDiscoveryEntry): void {
    this.routes.push(route);
  }

  getRoute(api: string): GGServiceDiscoveryEntry | undefined {
    return this.routes.find((route) => route.api === api);
  }
}

const entries: GGServiceDiscoveryEntry[] = [
  { api: "my-api", baseUrl: "http://127.0.0.1:4001", pathPrefix: "/my" },
];

async function listening(): Promise<{ server: IPCServer; port: number }> {
  const server = new IPCServer(0);
  onTestFinished(() => server.close());
  expect(await server.start()).toBe(true);
  return { server, port: server.getPort() };
}

test("registers services and discovers them", async () => {
  const { server, port } = await listening();
  const discovery = new DiscoveryServer(server);

  const client = new IPCClient(port);
  await client.connect();
  onTestFinished(() => client.disconnect());

  // Register routes
  await client.sendFrameworkRequest(GGDiscoveryIPC.discoveryServer.register, entries);

  // Discover another service
  const result = await client.sendFrameworkRequest(
    GGDiscoveryIPC.discoveryServer.discoverApi,
    "my-api",
  );

  expect(discovery.routes).toEqual(entries);
  expect(result).toEqual({ success: true, url: `http://127.0.0.1:${port}` });
});

test("answers for a service that nobody registered", async () => {
  const { server, port } = await listening();
  const discovery = new DiscoveryServer(server);
  const client = new IPCClient(port);
  await client.connect();
  onTestFinished(() => client.disconnect());

  const result = await client.sendFrameworkRequest(
    GGDiscoveryIPC.discoveryServer.discoverApi,
    "other-api",
  );

  expect(discovery.routes).toEqual([]);
  expect(result).toEqual({ success: false, error: "Service not registered" });
});

test("lets a runner command its worker, and the worker report to its runner", async () => {
  const port = 0;
  const newValue = { nested: ["value"] };
  const registeredKeys: string[] = [];
  const updates = new Map<string, unknown>();
  const runtime = {
    registerLocatorKeys: (keys: string[]) => registeredKeys.push(...keys),
    scope: { getKeys: () => ["key-a", "key-b"] },
  };
  const GGConfigKey = { getKey: (name: string) => `key:${name}` };
  const getStore = (store: string) => ({
    updateValueOverride: async (key: string, value: unknown) => {
      updates.set(`${store}/${key}`, value);
    },
  });

  // Runner creates the server
  const ipcServer = new IPCServer(port);
  await ipcServer.start();
  onTestFinished(() => ipcServer.close());

  // Handle worker registrations
  ipcServer.onFrameworkMessage(TestableIPC.server.registerKeys, async (payload) => {
    runtime.registerLocatorKeys(payload.keys);
  });

  const config = { testRouterPort: ipcServer.getPort(), runtimeId: "runtime-1" };
  const client = new IPCClient(config.testRouterPort);
  onTestFinished(() => client.disconnect());

  // runtimeId allows the server to target this specific worker
  await client.connect(config.runtimeId);

  // Handle commands from test runner
  client.onFrameworkRequest(GGConfigIPC.worker.update, async (payload) => {
    await getStore(payload.storeName).updateValueOverride(
      GGConfigKey.getKey(payload.keyName),
      payload.value,
    );
  });

  // Send data back to the runner
  await client.sendFrameworkRequest(TestableIPC.server.registerKeys, {
    runtimeId: config.runtimeId,
    keys: runtime.scope.getKeys(),
  });

  // Send command to a specific worker by runtimeId
  const { runtimeId } = config;
  await ipcServer.sendFrameworkMessage(runtimeId, GGConfigIPC.worker.update, {
    storeName: "myStore",
    keyName: "myKey",
    value: newValue,
  });

  expect(registeredKeys).toEqual(["key-a", "key-b"]);
  expect(Object.fromEntries(updates)).toEqual({ "myStore/key:myKey": { nested: ["value"] } });
});

test("misses no command that comes before the handler behind `await connect()` is registered", async () => {
  const { server, port } = await listening();
  let answer: Promise<void> | undefined;
  server.onClientConnect(({ runtimeId }) => {
    answer = server.sendFrameworkMessage(runtimeId ?? "", GGConfigIPC.worker.update, {
      storeName: "s",
      keyName: "k",
      value: 1,
    });
  });
  const client = new IPCClient(port);
  onTestFinished(() => client.disconnect());
  const updated: string[] = [];

  await client.connect("early");
  client.onFrameworkRequest(GGConfigIPC.worker.update, async (payload) => {
    updated.push(payload.keyName);
  });

  await until(() => answer, "the server to know its client");
  await answer;
  expect(updated).toEqual(["k"]);
});

class ResilientDiscovery {
  isLeader = false;
  readonly #knownPort: number;
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(knownPort: number) {
    this.#knownPort = knownPort;
  }

  async becomeLeaderOrFollower(): Promise<void> {
    const knownPort = this.#knownPort;
    const client = new IPCClient(knownPort);

    const server = new IPCServer(knownPort);
    if (await server.start()) {
      // Port was available - this instance is the leader
      this.isLeader = true;
      this.#closers.push(() => server.close());
    } else {
      // Port already taken - connect as follower
      await client.connect();
      client.onClose(async () => {
        // Leader died - try to become the new leader
        await this.becomeLeaderOrFollower();
      });
      this.#closers.push(() => client.disconnect());
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()));
  }
}

test("returns false from start() when the port is held", async () => {
  const { port } = await listening();
  const second = new IPCServer(port);

  expect(await second.start()).toBe(false);
  expect(second.getPort()).toBe(0);
});

test("elects the first on a port as leader, and a follower when the leader is gone", async () => {
  const first = await listening();
  const knownPort = first.port;
  const members = [new ResilientDiscovery(knownPort), new ResilientDiscovery(knownPort)];
  onTestFinished(async () => {
    for (const member of members) await member.close();
  });
  for (const member of members) await member.becomeLeaderOrFollower();
  const leaders = () => members.filter((member) => member.isLeader);
  expect(leaders()).toEqual([]);
  await until(() => first.server.clients().length === 2, "both followers");

  await first.server.close();

  await until(() => leaders().length > 0, "a new leader");
  const client = new IPCClient(knownPort);
  await client.connect();
  onTestFinished(() => client.disconnect());
  expect(client.isConnected()).toBe(true);
  expect(leaders()).toHaveLength(1);
});
