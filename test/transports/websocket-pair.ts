// Both ends of a real WebSocket as transports: as server and client write to it, or through `ws` alone.

import { createServer } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Transport } from "../../src/channel/transport.ts";
import { parseAddress } from "../../src/ipc/address.ts";
import { dial } from "../../src/ipc/dial.ts";
import { FrameCache, WebSocketTransport } from "../../src/ipc/websocket-transport.ts";
import { DEFAULT_LIMITS } from "../../src/limits.ts";
import { until } from "../fixtures/wait.ts";

export interface Place {
  /** A Unix socket; left out, a port of loopback. */
  readonly path?: string;
  /** Through `ws.send`, without a socket to write to. */
  readonly plain?: boolean;
}

const limits = { ...DEFAULT_LIMITS, closeGraceMs: 2_000 };

/** The server's end comes first. */
export async function webSocketPair({
  path,
  plain = false,
}: Place): Promise<readonly [Transport, Transport]> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: limits.maxFrameBytes });
  const server = createServer();
  onTestFinished(() => void server.close());
  const serverEnd = new Promise<Transport>((resolve) => {
    server.on("upgrade", (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (ws) => {
        const direct = plain ? {} : { socket, frames: new FrameCache() };
        resolve(closedLater(new WebSocketTransport(ws, { limits, ...direct })));
      });
    });
  });
  server.listen(path === undefined ? { port: 0, host: "127.0.0.1" } : { path });
  await until(server, "listening");
  const port = path === undefined ? (server.address() as { port: number }).port : 0;
  const address = path === undefined ? `ws://127.0.0.1:${port}` : `ws+unix:${path}`;
  const clientEnd = await (plain ? connectPlain(address) : connectDialled(address));
  return [await serverEnd, closedLater(clientEnd)];
}

async function connectPlain(address: string): Promise<Transport> {
  const ws = new WebSocket(address.startsWith("ws+unix") ? `${address}:/` : address);
  await until(ws, "open");
  return new WebSocketTransport(ws, { limits });
}

async function connectDialled(address: string): Promise<Transport> {
  const options = { token: undefined, runtimeId: undefined, limits, timeoutMs: 5_000 };
  return (await dial(parseAddress(address), options)).transport;
}

function closedLater(transport: Transport): Transport {
  onTestFinished(() => transport.terminate());
  return transport;
}
