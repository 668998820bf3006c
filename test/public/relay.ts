// A relay between a client and a server that tests can cut, freeze, take down and put up again.
// It stands on Unix sockets: their paths, unlike ports, cannot be taken by another test meanwhile.

import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IPCClient, type IPCClientOptions, IPCServer, type IPCServerOptions } from "crosswire";
import { onTestFinished } from "vitest";
import { until } from "../fixtures/wait.ts";
import { WORKER } from "./pair.ts";

export class Relay {
  /** When each connection was asked for, by performance.now(). */
  readonly arrivals: number[] = [];
  /** How many of the next connections are cut as soon as they come. */
  resets = 0;
  #server: Server;
  #path: string;
  #targetPath: string;
  #sockets = new Set<Socket>();

  constructor(path: string, targetPath: string) {
    this.#path = path;
    this.#targetPath = targetPath;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** For `new IPCClient()`. */
  get address(): string {
    return `ws+unix:${this.#path}`;
  }

  async up(): Promise<void> {
    this.#server.listen(this.#path);
    await until(this.#server, "listening");
  }

  /** Cuts every connection; new ones are refused until `up()`. */
  async down(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.cut();
    await until(this.#server, "close");
  }

  /** Breaks every connection as the network does: without a word. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Lets no byte through any more on the connections there are; new ones are not concerned. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  #accept(near: Socket): void {
    this.arrivals.push(performance.now());
    near.on("error", () => {});
    if (this.resets > 0) {
      this.resets--;
      near.destroy();
      return;
    }
    const far = connect(this.#targetPath);
    for (const [here, there] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(here);
      here.on("error", () => {});
      here.on("close", () => {
        this.#sockets.delete(here);
        there.destroy();
      });
      here.pipe(there);
    }
  }
}

export interface Relayed {
  readonly relay: Relay;
  readonly server: IPCServer;
  readonly client: IPCClient;
}

/** A path for a Unix socket that goes away with the test. */
export function socketPathFor(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), "crosswire-relay-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, `${name}.sock`);
}

/** A client connected to a server through a relay. */
export async function openRelayed(
  clientOptions: IPCClientOptions = {},
  serverOptions: IPCServerOptions = {},
): Promise<Relayed> {
  const socketPath = socketPathFor("server");
  const server = new IPCServer(0, { ...serverOptions, socketPath });
  onTestFinished(() => server.close({ graceMs: 0 }));
  await server.start();
  const relay = new Relay(socketPathFor("relay"), socketPath);
  onTestFinished(() => relay.down());
  await relay.up();
  // The runtime file belongs to the server's path, so through the relay the token must be given.
  const client = new IPCClient(relay.address, { ...clientOptions, token: server.token });
  onTestFinished(() => client.disconnect());
  await client.connect(WORKER);
  await until(() => server.clients().length === 1, "the server to know the client");
  return { relay, server, client };
}
