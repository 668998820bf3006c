// Many services come and go while many clients watch: each sees every change in order, and memory stays flat.

import { IPCClient, IPCServer } from "crosswire";
import { DiscoveryClient, DiscoveryServer, type WatchItem } from "crosswire/discovery";
import type { Figure } from "./figures.ts";

export interface ChurnOptions {
  readonly services: number;
  readonly watchers: number;
  /** A service goes and comes back. */
  readonly changes: number;
  readonly progress?: (text: string) => void;
}

const MAX_GROWTH_MIB = 16;
const BATCH = 50;

export async function churn(options: ChurnOptions): Promise<Figure[]> {
  const { services, watchers, changes, progress = () => {} } = options;
  const server = new IPCServer(0);
  const discovery = new DiscoveryServer(server);
  const clients: IPCClient[] = [];
  const connect = async (): Promise<DiscoveryClient> => {
    const client = new IPCClient(server.getUrl(), { token: server.token });
    clients.push(client);
    await client.connect();
    return new DiscoveryClient(client);
  };
  try {
    await server.start();
    const registrar = await connect();
    for (let i = 0; i < services; i += BATCH)
      await registrar.register(entriesFrom(i, Math.min(BATCH, services - i)));
    const views = await Promise.all(
      Array.from({ length: watchers }, async () => watchFrom(await connect(), services)),
    );
    const before = heapMiB();
    let heapHalfway = before;
    for (let i = 0; i < changes; i += BATCH) {
      await turnOver(registrar, i, services);
      if (i <= changes / 2) heapHalfway = heapMiB();
      if (i % (BATCH * 20) === 0) progress(`change ${i} of ${changes}`);
    }
    await Promise.all(
      views.map(async (view) => view.caughtUp(discovery.list().length + 2 * changes)),
    );
    const growth = heapMiB() - heapHalfway;
    return figuresOf(options, {
      views,
      growth,
      expected: sorted(discovery.list().map(({ api }) => api)),
    });
  } finally {
    await Promise.all(clients.map(async (client) => client.disconnect()));
    discovery.close();
    await server.close({ graceMs: 0 });
  }
}

function entriesFrom(
  first: number,
  count: number,
): { api: string; baseUrl: string; pathPrefix: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    api: `service-${first + i}`,
    baseUrl: `http://127.0.0.1:1/${first + i}`,
    pathPrefix: `/service-${first + i}`,
  }));
}

/** A batch of services goes and comes back, one by one, all in flight at once. */
async function turnOver(registrar: DiscoveryClient, from: number, services: number): Promise<void> {
  const turns = Array.from({ length: BATCH }, async (_, i) => {
    const [entry] = entriesFrom((from + i) % services, 1);
    if (entry === undefined) return;
    await registrar.unregister(entry.api);
    await registrar.register([entry]);
  });
  await Promise.all(turns);
}

interface View {
  readonly apis: Set<string>;
  readonly faults: string[];
  caughtUp(updates: number): Promise<void>;
}

function watchFrom(client: DiscoveryClient, services: number): Promise<View> {
  const apis = new Set<string>();
  const faults: string[] = [];
  let updates = 0;
  const wakers: (() => void)[] = [];
  const hear = (item: WatchItem): void => {
    if ("services" in item) {
      if (updates > 0) faults.push("everything was sent again");
      for (const { api } of item.services) apis.add(api);
      updates += item.services.length;
    } else {
      for (const { type, service } of item.changes) {
        // Each service goes before it comes back: anything else was lost or came in the wrong order.
        const isNew = type === "added" ? !apis.has(service.api) : apis.has(service.api);
        if (!isNew) faults.push(`${type} ${service.api} out of order`);
        if (type === "added") apis.add(service.api);
        else apis.delete(service.api);
        updates++;
      }
    }
    for (const wake of wakers) wake();
  };
  const reach = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`A watcher has ${updates} of ${wanted} updates.`)),
        60_000,
      );
      const look = (): void => {
        if (updates < wanted) return;
        clearTimeout(timer);
        resolve();
      };
      wakers.push(look);
      look();
    });
  void (async () => {
    for await (const item of client.watch()) hear(item);
  })().catch(() => {});
  return reach(services).then(() => ({ apis, faults, caughtUp: reach }));
}

function figuresOf(
  { services, watchers, changes }: ChurnOptions,
  seen: { readonly views: readonly View[]; readonly growth: number; readonly expected: string },
): Figure[] {
  const { views, growth, expected } = seen;
  const wrong = views.filter(
    ({ apis, faults }) => faults.length > 0 || sorted([...apis]) !== expected,
  );
  const how = `${services} services, ${watchers} clients watching, ${changes} x away and back`;
  const figures: Figure[] = [
    {
      property: "no lost update",
      how,
      goal: `${watchers} of ${watchers} saw all, in order`,
      measured: `${watchers - wrong.length} of ${watchers} ${wrong[0]?.faults[0] ?? ""}`.trim(),
      kind: "promise",
      isMet: wrong.length === 0,
    },
  ];
  // Without --expose-gc the heap says nothing.
  if (globalThis.gc === undefined) return figures;
  return [
    ...figures,
    {
      property: "memory flat",
      how: "heap in the second half of the churn, all clients in the same process",
      goal: `< ${MAX_GROWTH_MIB} MiB`,
      measured: `${growth.toFixed(1)} MiB`,
      kind: "promise",
      isMet: growth < MAX_GROWTH_MIB,
    },
  ];
}

function sorted(apis: readonly string[]): string {
  return apis.toSorted().join();
}

function heapMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1024 / 1024;
}
