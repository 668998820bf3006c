// Cap'n Web over ws. It carries bytes as base64 text, so it has no `blob`.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { newWebSocketRpcSession, RpcTarget } from "capnweb";
import { WebSocket, WebSocketServer } from "ws";
import type { Order, Peer, PeerClient, PeerServer, ServerState, Work } from "../peer.ts";

// capnweb compares with `WebSocket.CONNECTING`, also on the server; Node has that global from 22 on.
if (!("WebSocket" in globalThis)) Object.assign(globalThis, { WebSocket });

class Api extends RpcTarget {
  #work: Work;

  constructor(work: Work) {
    super();
    this.#work = work;
  }

  echo(payload: unknown): Promise<unknown> {
    return this.#work.echo(payload);
  }

  control(order: Order): Promise<ServerState> {
    return this.#work.control(order);
  }

  note(payload: unknown): void {
    this.#work.note(payload);
  }
}

// Cap'n Web's own mapping of `unknown` results collapses to `never`, so the stub is described here.
interface Stub {
  echo(payload: unknown): Promise<unknown>;
  control(order: Order): Promise<ServerState>;
  note(payload: unknown): Disposable;
}

type SessionSocket = Parameters<typeof newWebSocketRpcSession>[0];

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    newWebSocketRpcSession(socket as unknown as SessionSocket, new Api(work));
  });
  await once(server, "listening");
  return { address: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function connect(address: string): Promise<PeerClient> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  const stub = newWebSocketRpcSession(socket as unknown as SessionSocket) as unknown as Stub;
  await once(socket, "open");
  return {
    echo: (payload) => stub.echo(payload),
    control: (order) => stub.control(order),
    // A promise that nobody awaits is disposed: that is how its manual says "no answer needed".
    note: (payload) => stub.note(payload)[Symbol.dispose](),
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}
