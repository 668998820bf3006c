// tRPC over WebSocket (wsLink). It has no fire-and-forget and no binary.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import type { Order, Peer, PeerClient, PeerServer, Work } from "../peer.ts";

type BenchmarkRouter = ReturnType<typeof createRouter>;

export const peer: Peer = { serve, connect };

function createRouter(work: Work) {
  const { procedure, router } = initTRPC.create();
  return router({
    echo: procedure
      .input((payload: unknown) => payload)
      .mutation(async ({ input }) => work.echo(input)),
    control: procedure
      .input((order: unknown) => order as Order)
      .mutation(async ({ input }) => work.control(input)),
  });
}

async function serve(work: Work): Promise<PeerServer> {
  const wss = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  applyWSSHandler({ wss, router: createRouter(work) });
  await once(wss, "listening");
  return { address: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}` };
}

async function connect(address: string): Promise<PeerClient> {
  const socket = createWSClient({
    url: address,
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  const client = createTRPCClient<BenchmarkRouter>({ links: [wsLink({ client: socket })] });
  return {
    echo: (payload) => client.echo.mutate(payload),
    control: (order) => client.control.mutate(order),
    close: async () => {
      await socket.close();
    },
  };
}
