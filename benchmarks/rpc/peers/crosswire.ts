// Crosswire over TCP loopback and over a Unix socket, with its defaults.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { IPCClient, IPCServer } from "../../../src/index.ts";
import type {
  BlobReceipt,
  Order,
  Peer,
  PeerClient,
  PeerServer,
  ServerState,
  Work,
} from "../peer.ts";

const echo = IPCServer.defineRequest("bench/echo");
const control = IPCServer.defineRequest<Order, ServerState>("bench/control");
const blob = IPCServer.defineRequest<Uint8Array, BlobReceipt>("bench/blob");
const note = IPCServer.defineMessage("bench/note");
const tick = IPCClient.defineMessage("bench/tick");

interface Address {
  target: number | string;
  token: string;
}

export const tcpPeer: Peer = { serve: serveTcp, connect };
export const unixPeer: Peer = { serve: serveUnix, connect };

async function serveTcp(work: Work): Promise<PeerServer> {
  const server = new IPCServer(0);
  await start(server, work);
  return listening(server, { target: server.getPort(), token: server.token });
}

async function serveUnix(work: Work): Promise<PeerServer> {
  const socketPath = join(tmpdir(), `crosswire-benchmark-${process.pid}.sock`);
  const server = new IPCServer(0, { socketPath });
  await start(server, work);
  return listening(server, { target: server.getUrl(), token: server.token });
}

async function start(server: IPCServer, work: Work): Promise<void> {
  server.onFrameworkMessage(echo, (payload) => work.echo(payload));
  server.onFrameworkMessage(control, (order) => work.control(order));
  server.onFrameworkMessage(blob, (bytes) => work.blob(bytes));
  server.onMessage(note, (payload) => work.note(payload));
  if (!(await server.start())) throw new Error("The Crosswire server found its address in use.");
}

function listening(server: IPCServer, address: Address): PeerServer {
  return {
    address: JSON.stringify(address),
    broadcast: (payload) => void server.broadcast(tick, payload),
    close: async () => server.close(),
  };
}

async function connect(address: string): Promise<PeerClient> {
  const { target, token } = JSON.parse(address) as Address;
  const client = new IPCClient(target, { token });
  await client.connect();
  return {
    echo: (payload) => client.sendFrameworkRequest(echo, payload),
    control: (order) => client.sendFrameworkRequest(control, order),
    note: (payload) => client.sendMessage(note, payload),
    blob: (bytes) => client.sendFrameworkRequest(blob, bytes),
    onTick: (listener) => void client.onMessage(tick, (payload) => listener(payload)),
    close: async () => {
      await client.disconnect();
    },
  };
}
