// The clients of a server, by connection and by runtimeId.
// The rule for two with one runtimeId: the newer takes over and the older is closed, whatever order their ends come in.

import { CrosswireError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { IPCSocket } from "./socket.ts";

export interface ClientInfo {
  /** Given by the server, new for each connection. */
  readonly clientId: string;
  /** Given by the client; stays the same when it reconnects. */
  readonly runtimeId?: string;
  readonly pid?: number;
  readonly name?: string;
  /** In milliseconds since 1970. */
  readonly connectedAt: number;
}

export interface ConnectedClient {
  readonly info: ClientInfo;
  readonly socket: IPCSocket;
}

const MAX_NAMED = 10;

export class ClientTable {
  /** Connected, but not yet introduced. */
  #arriving = new Set<IPCSocket>();
  #byClientId = new Map<string, ConnectedClient>();
  #byRuntimeId = new Map<string, ConnectedClient>();
  #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.#byClientId.size + this.#arriving.size >= this.#limits.maxClients;
  }

  all(): ConnectedClient[] {
    return [...this.#byClientId.values()];
  }

  /** Every open socket, also of clients that have not introduced themselves. */
  sockets(): IPCSocket[] {
    return [...this.#arriving, ...this.all().map(({ socket }) => socket)];
  }

  /** It was open, but ended before it said who it is. */
  forget(socket: IPCSocket): void {
    this.#arriving.delete(socket);
  }

  expect(socket: IPCSocket): void {
    this.#arriving.add(socket);
  }

  /** Returns the client whose place the new one takes, if any. */
  add(client: ConnectedClient): ConnectedClient | undefined {
    const { clientId, runtimeId } = client.info;
    this.#arriving.delete(client.socket);
    this.#byClientId.set(clientId, client);
    if (runtimeId === undefined) return undefined;
    const superseded = this.#byRuntimeId.get(runtimeId);
    this.#byRuntimeId.set(runtimeId, client);
    return superseded;
  }

  /** A late end of a superseded connection leaves its successor reachable. */
  remove(client: ConnectedClient): void {
    const { clientId, runtimeId } = client.info;
    this.#byClientId.delete(clientId);
    if (runtimeId !== undefined && this.#byRuntimeId.get(runtimeId) === client) {
      this.#byRuntimeId.delete(runtimeId);
    }
  }

  /** By runtimeId, or for clients that connected without one by clientId. Throws XW_NO_PEER. */
  get(id: string): ConnectedClient {
    const client = this.#byRuntimeId.get(id) ?? this.#byClientId.get(id);
    if (client !== undefined) return client;
    throw new CrosswireError(
      "XW_NO_PEER",
      `No client ${JSON.stringify(id)} is connected; ${this.#describe()}. Wait for it with onClientConnect().`,
      { peer: id, maybeDelivered: false },
    );
  }

  #describe(): string {
    const ids = this.all().map(({ info }) => JSON.stringify(info.runtimeId ?? info.clientId));
    if (ids.length === 0) return "nobody is connected";
    const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : "";
    return `connected are ${ids.slice(0, MAX_NAMED).join(", ")}${more}`;
  }
}
