// @fastify/http-proxy in a Fastify server without logging, otherwise with its defaults.

import type { AddressInfo } from "node:net";
import fastifyHttpProxy from "@fastify/http-proxy";
import { fastify } from "fastify";
import type { Peer } from "../peer.ts";

export const peer: Peer = { start };

async function start(upstream: string): Promise<number> {
  const server = fastify({ logger: false });
  await server.register(fastifyHttpProxy, { upstream, websocket: true });
  await server.listen({ host: "127.0.0.1", port: 0 });
  return (server.server.address() as AddressInfo).port;
}
