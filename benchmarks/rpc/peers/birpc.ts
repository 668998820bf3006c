// birpc over ws, with JSON as its serializer and its other defaults.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ChannelOptions, createBirpc, createBirpcGroup } from "birpc";
import { WebSocket, WebSocketServer } from "ws";
import type { Order, Peer, PeerClient, PeerServer, ServerState, Work } from "../peer.ts";

interface ServerFunctions {
  echo(payload: unknown): Promise<unknown>;
  control(order: Order): Promise<ServerState>;
  note(payload: unknown): void;
}

interface ClientFunctions {
  tick(payload: unknown): void;
}

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  const channels: ChannelOptions[] = [];
  const functions: ServerFunctions = {
    echo: (payload) => work.echo(payload),
    control: (order) => work.control(order),
    note: (payload) => work.note(payload),
  };
  const group = createBirpcGroup<ClientFunctions, ServerFunctions>(functions, () => channels);
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    const channel = channelOf(socket);
    channels.push(channel);
    group.updateChannels();
    socket.on("close", () => channels.splice(channels.indexOf(channel), 1));
  });
  await once(server, "listening");
  return {
    address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    broadcast: (payload) => void group.broadcast.tick.asEvent(payload),
  };
}

async function connect(address: string): Promise<PeerClient> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  let tickListener: ((payload: unknown) => void) | undefined;
  const functions: ClientFunctions = { tick: (payload) => tickListener?.(payload) };
  const rpc = createBirpc<ServerFunctions, ClientFunctions>(functions, channelOf(socket));
  await once(socket, "open");
  return {
    echo: (payload) => rpc.echo(payload),
    control: (order) => rpc.control(order),
    note: (payload) => void rpc.note.asEvent(payload),
    onTick: (listener) => {
      tickListener = listener;
    },
    close: async () => {
      rpc.$close();
      socket.close();
      await once(socket, "close");
    },
  };
}

function channelOf(socket: WebSocket): ChannelOptions {
  return {
    post: (data: string) => socket.send(data),
    on: (listener) => socket.on("message", listener),
    serialize: JSON.stringify,
    deserialize: (data: Buffer) => JSON.parse(String(data)) as unknown,
  };
}
