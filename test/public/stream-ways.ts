// The same stream in both directions: for tests of what holds whoever produces.

import {
  type CallContext,
  IPCClient,
  IPCServer,
  type ItemStream,
  type StreamOptions,
} from "crosswire";
import { openPair, type Pair, type PairOptions, WORKER } from "./pair.ts";

type Producer = (
  payload: unknown,
  context: CallContext,
) => AsyncIterable<unknown> | Iterable<unknown> | Promise<AsyncIterable<unknown>>;

export interface StreamWay {
  /** Registers the one producer. */
  produce(producer: Producer): void;
  open(payload?: unknown, options?: StreamOptions): ItemStream;
  /** A small call, there and back on the connection of the streams. */
  roundTrip(): Promise<void>;
  readonly path: string;
  readonly pair: Pair;
}

const fromServer = IPCServer.defineStream<unknown, unknown, unknown>("stream-way/from-server");
const fromClient = IPCClient.defineStream<unknown, unknown, unknown>("stream-way/from-client");
const knock = IPCServer.defineRequest<void, void>("stream-way/knock");

async function openFromServer(options?: PairOptions): Promise<StreamWay> {
  const pair = await openWithKnock(options);
  const { server, client } = pair;
  return {
    pair,
    path: fromServer,
    produce: (producer) => void server.onStream(fromServer, producer),
    open: (payload, streamOptions) => client.openStream(fromServer, payload, streamOptions),
    roundTrip: () => client.sendFrameworkRequest(knock),
  };
}

async function openFromClient(options?: PairOptions): Promise<StreamWay> {
  const pair = await openWithKnock(options);
  const { server, client } = pair;
  return {
    pair,
    path: fromClient,
    produce: (producer) => void client.onStream(fromClient, producer),
    open: (payload, streamOptions) => server.openStream(WORKER, fromClient, payload, streamOptions),
    roundTrip: () => client.sendFrameworkRequest(knock),
  };
}

async function openWithKnock(options?: PairOptions): Promise<Pair> {
  const pair = await openPair(options);
  pair.server.onFrameworkMessage(knock, () => {});
  return pair;
}

export interface StreamWayCase {
  readonly way: string;
  readonly open: (options?: PairOptions) => Promise<StreamWay>;
}

/** Rows for `describe.each`. */
export const STREAM_WAYS: readonly StreamWayCase[] = [
  { way: "a stream of the server", open: openFromServer },
  { way: "a stream of a client", open: openFromClient },
];

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
