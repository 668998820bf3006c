// socket.io with acknowledgements, on its WebSocket transport only.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { io, type Socket } from "socket.io-client";
import type {
  BlobReceipt,
  Order,
  Peer,
  PeerClient,
  PeerServer,
  ServerState,
  Work,
} from "../peer.ts";

// The default of 1 MB closes the connection in the rows with 1 MB payloads.
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

interface ServerEvents {
  echo(payload: unknown, ack: (result: unknown) => void): void;
  control(order: Order, ack: (state: ServerState) => void): void;
  blob(bytes: Uint8Array, ack: (receipt: BlobReceipt) => void): void;
  note(payload: unknown): void;
}

interface ClientEvents {
  tick(payload: unknown): void;
}

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  const http = createServer();
  const server = new Server<ServerEvents, ClientEvents>(http, {
    transports: ["websocket"],
    serveClient: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
  });
  server.on("connection", (socket) => {
    socket.on("echo", async (payload, ack) => ack(await work.echo(payload)));
    socket.on("control", async (order, ack) => ack(await work.control(order)));
    socket.on("blob", async (bytes, ack) => ack(await work.blob(bytes)));
    socket.on("note", (payload) => work.note(payload));
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    broadcast: (payload) => void server.emit("tick", payload),
  };
}

async function connect(address: string): Promise<PeerClient> {
  const socket: Socket<ClientEvents, ServerEvents> = io(address, {
    transports: ["websocket"],
    forceNew: true,
    reconnection: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return {
    echo: (payload) => socket.emitWithAck("echo", payload),
    control: (order) => socket.emitWithAck("control", order),
    note: (payload) => void socket.emit("note", payload),
    blob: (bytes) => socket.emitWithAck("blob", bytes),
    onTick: (listener) => void socket.on("tick", listener),
    close: async () => {
      socket.disconnect();
    },
  };
}
