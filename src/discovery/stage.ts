// What a member would lead on: a server that starts to listen when it is elected, and the discovery on it.

import type { IPCServer } from "../ipc/server.ts";
import type { DiscoveryServer } from "./discovery-server.ts";

export interface StageParts {
  readonly server: IPCServer;
  readonly discovery: DiscoveryServer;
}

export class Stage {
  parts: StageParts;
  #make: () => StageParts;

  constructor(make: () => StageParts) {
    this.#make = make;
    this.parts = make();
  }

  /** A server leads once: after a lost leadership, or a bid that failed half-way, the next one needs another. */
  async renew(): Promise<void> {
    await this.close(0);
    this.parts = this.#make();
  }

  async close(graceMs: number): Promise<void> {
    const { server, discovery } = this.parts;
    discovery.close();
    await server.close({ graceMs });
  }
}
