// vscode-jsonrpc over a TCP socket. It has no binary.

import { once } from "node:events";
import { type AddressInfo, createConnection, createServer, type Socket } from "node:net";
import {
  createMessageConnection,
  type MessageConnection,
  NotificationType,
  RequestType,
  SocketMessageReader,
  SocketMessageWriter,
} from "vscode-jsonrpc/node";
import type { Order, Peer, PeerClient, PeerServer, ServerState, Work } from "../peer.ts";

const echo = new RequestType<unknown, unknown, void>("echo");
const control = new RequestType<Order, ServerState, void>("control");
const note = new NotificationType<unknown>("note");

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  const server = createServer((socket) => {
    const connection = connectionOver(socket);
    connection.onRequest(echo, (payload) => work.echo(payload));
    connection.onRequest(control, (order) => work.control(order));
    connection.onNotification(note, (payload) => work.note(payload));
    connection.listen();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { address: String((server.address() as AddressInfo).port) };
}

async function connect(address: string): Promise<PeerClient> {
  const socket = createConnection(Number(address), "127.0.0.1");
  await once(socket, "connect");
  const connection = connectionOver(socket);
  connection.listen();
  return {
    echo: (payload) => connection.sendRequest(echo, payload),
    control: (order) => connection.sendRequest(control, order),
    note: (payload) => void connection.sendNotification(note, payload),
    close: async () => {
      connection.dispose();
      socket.destroy();
    },
  };
}

function connectionOver(socket: Socket): MessageConnection {
  socket.setNoDelay(true); // ws does the same; without it Nagle's algorithm decides the `lat` row
  return createMessageConnection(new SocketMessageReader(socket), new SocketMessageWriter(socket));
}
