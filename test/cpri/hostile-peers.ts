// Senders and receivers that say what they like.

import { onTestFinished } from "vitest";
import { CPRI_VERSION, CpriIPC, type State, type WireRequest } from "../../src/cpri/cpri-ipc.ts";
import type { AppServerOptions } from "../../src/cpri/app-server.ts";
import type { RemoteServer } from "../../src/cpri/receiver/remote-server.ts";
import { IPCClient } from "../../src/ipc/client.ts";
import { IPCServer } from "../../src/ipc/server.ts";
import { world } from "./world.ts";

/** To be asked about everything. */
export const STATE: State = {
  unhandled: "bypass",
  watches: false,
  scopes: [{ http: [["*", "*"]], websocket: [["*", "*"]] }],
};

/** A peer of ours that can send what it likes. */
export async function hostileSender(remote: RemoteServer): Promise<IPCClient> {
  const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = remote.env;
  const client = new IPCClient(url, { token });
  onTestFinished(() => client.disconnect());
  await client.connect("hostile");
  return client;
}

/** Likewise; `decide` answers what it is asked. */
export async function hostileReceiver(
  decide: (request: WireRequest) => unknown,
  welcome: unknown = { protocol: CPRI_VERSION, pid: 1, startedAt: 1, state: STATE },
): Promise<IPCServer> {
  const server = new IPCServer(0);
  onTestFinished(() => server.close());
  server.onFrameworkMessage(CpriIPC.hello, () => welcome as never);
  server.onFrameworkMessage(CpriIPC.request, (request) => decide(request as WireRequest) as never);
  await server.start();
  return server;
}

/** What this process sends is for that receiver to decide. */
export function attachTo(server: IPCServer, options: AppServerOptions = {}): void {
  const { CROSSWIRE_URL: url, CROSSWIRE_TOKEN: token } = server.env;
  world().app({ ...options, remote: { enable: true, url, token } });
}
