// A listening server and a connected client for one test, closed when the test is over.

import { IPCClient, type IPCClientOptions, IPCServer, type IPCServerOptions } from "crosswire";
import { onTestFinished } from "vitest";
import { within } from "../fixtures/wait.ts";

export interface Pair {
  readonly server: IPCServer;
  readonly client: IPCClient;
}

export interface PairOptions {
  readonly server?: IPCServerOptions;
  readonly client?: IPCClientOptions;
}

/** The runtimeId of the client of a pair. */
export const WORKER = "worker-1";

export async function openServer(
  options: IPCServerOptions = {},
  port: number = 0,
): Promise<IPCServer> {
  const server = new IPCServer(port, options);
  onTestFinished(() => server.close({ graceMs: 0 }));
  if (!(await server.start())) throw new Error(`The port ${port} is held by another process.`);
  return server;
}

/** Not connected yet. */
export function createClient(server: IPCServer, options: IPCClientOptions = {}): IPCClient {
  const client = new IPCClient(server.getUrl(), options);
  onTestFinished(() => client.disconnect());
  return client;
}

export async function openClient(
  server: IPCServer,
  runtimeId?: string,
  options: IPCClientOptions = {},
): Promise<IPCClient> {
  const client = createClient(server, options);
  const arrived = new Promise<void>((resolve) => {
    server.onClientConnect((info) => {
      if (info.runtimeId === runtimeId) resolve();
    });
  });
  await client.connect(runtimeId);
  await within(arrived, "the server to know its client");
  return client;
}

export async function openPair(options: PairOptions = {}): Promise<Pair> {
  const server = await openServer(options.server);
  return { server, client: await openClient(server, WORKER, options.client) };
}
