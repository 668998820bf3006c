// A client and a server, raw sockets both, with a chaos proxy between them.

import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import {
  type ChaosOptions,
  type ChaosProxy,
  createChaosProxy,
} from "../../src/testkit/chaos/chaos-proxy.ts";
import { until } from "../fixtures/wait.ts";

/** One end of a connection, and what it has seen. */
export interface End {
  readonly socket: Socket;
  /** What reached it, piece by piece. */
  readonly pieces: Buffer[];
  readonly text: () => string;
  /** Resolves when it has all of `text`; rejects when it is something else. */
  readonly gets: (text: string) => Promise<void>;
  /** The codes of errors, "end" for a FIN, "close". */
  readonly seen: string[];
}

export interface Wire {
  readonly proxy: ChaosProxy;
  readonly client: End;
  readonly server: End;
}

export interface Origin {
  readonly port: number;
  /** The next connection to it. */
  next(): Promise<End>;
  close(): Promise<void>;
}

/** Half open: an end closes its own side only when the test says so. */
export async function openOrigin(port = 0): Promise<Origin> {
  const ends: End[] = [];
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    ends.push(endOf(socket));
  });
  const close = (): Promise<void> => new Promise((resolve) => listener.close(() => resolve()));
  onTestFinished(() => void listener.close());
  listener.listen(port, "127.0.0.1");
  await until(listener, "listening");
  return {
    port: (listener.address() as { port: number }).port,
    next: () => until(() => ends.shift(), "a connection to the target"),
    close,
  };
}

export function dial(port: number): End {
  return endOf(connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true }));
}

export async function openProxy(...args: Parameters<typeof createChaosProxy>): Promise<ChaosProxy> {
  const proxy = await createChaosProxy(...args);
  onTestFinished(() => proxy.close());
  return proxy;
}

export async function openWire(options: ChaosOptions = {}): Promise<Wire> {
  const origin = await openOrigin();
  const proxy = await openProxy(origin.port, options);
  const client = dial(proxy.port);
  return { proxy, client, server: await origin.next() };
}

function endOf(socket: Socket): End {
  const pieces: Buffer[] = [];
  const seen: string[] = [];
  const text = (): string => Buffer.concat(pieces).toString("latin1");
  socket.on("data", (piece) => pieces.push(piece));
  socket.on("error", ({ code = "?" }: NodeJS.ErrnoException) => seen.push(code));
  socket.on("end", () => seen.push("end"));
  socket.on("close", () => seen.push("close"));
  onTestFinished(() => void socket.destroy());
  const gets = async (whole: string): Promise<void> => {
    const got = await until(() => text().length >= whole.length && text(), "the text");
    if (got !== whole) throw new Error(`Got ${JSON.stringify(got.slice(0, 200))}.`);
  };
  return { socket, pieces, text, gets, seen };
}
