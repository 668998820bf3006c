// The same request in both directions: for tests of what holds whoever asks.

import { type CallContext, type CallOptions, IPCClient, IPCServer } from "crosswire";
import { openPair, type PairOptions, WORKER } from "./pair.ts";

type Handler = (payload: unknown, context: CallContext) => unknown;

export interface Way {
  /** Registers the one handler of the side that is asked. */
  answer(handler: Handler): void;
  ask(payload?: unknown, options?: number | CallOptions): Promise<unknown>;
  readonly path: string;
}

const toServer = IPCServer.defineRequest("way/to-server");
const toClient = IPCClient.defineRequest("way/to-client");

async function openToServer(options?: PairOptions): Promise<Way> {
  const { server, client } = await openPair(options);
  return {
    path: toServer,
    answer: (handler) => void server.onFrameworkMessage(toServer, handler),
    ask: (payload, callOptions) => client.sendFrameworkRequest(toServer, payload, callOptions),
  };
}

async function openToClient(options?: PairOptions): Promise<Way> {
  const { server, client } = await openPair(options);
  return {
    path: toClient,
    answer: (handler) => void client.onFrameworkRequest(toClient, handler),
    ask: (payload, callOptions) =>
      server.sendFrameworkMessage(WORKER, toClient, payload, callOptions),
  };
}

export interface WayCase {
  readonly way: string;
  readonly open: (options?: PairOptions) => Promise<Way>;
}

/** Rows for `describe.each`. */
export const WAYS: readonly WayCase[] = [
  { way: "a call to the server", open: openToServer },
  { way: "a call to a client", open: openToClient },
];
