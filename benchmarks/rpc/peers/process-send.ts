// Node's own channel between a process and its child, with the default JSON serialization.

import { fork } from "node:child_process";
import { once } from "node:events";
import type { Order, Peer, PeerClient, PeerServer, ServerState, Work } from "../peer.ts";

type Request =
  | { id: number; method: "echo"; params: unknown }
  | { id: number; method: "control"; params: Order }
  | { method: "note"; params: unknown };

export const peer: Peer = { serve, connect };

async function serve(work: Work): Promise<PeerServer> {
  process.on("message", (request: Request) => void answer(work, request));
  return { address: "" };
}

async function answer(work: Work, request: Request): Promise<void> {
  if (request.method === "note") return work.note(request.params);
  const { id, method, params } = request;
  const result = method === "echo" ? await work.echo(params) : await work.control(params);
  process.send?.({ id, result });
}

/** Here the address is the file of the server process, which becomes a child of this one. */
async function connect(address: string): Promise<PeerClient> {
  const child = fork(address, ["process.send"], { stdio: ["ignore", 2, 2, "ipc"] });
  await once(child, "message"); // the server process announces itself
  const pending = new Map<number, (result: unknown) => void>();
  let lastId = 0;
  child.on("message", (message: { id: number; result: unknown }) => {
    const resolve = pending.get(message.id);
    pending.delete(message.id);
    resolve?.(message.result);
  });
  function call(method: string, params: unknown): Promise<unknown> {
    const id = ++lastId;
    return new Promise((resolve) => {
      pending.set(id, resolve);
      child.send({ id, method, params });
    });
  }
  return {
    echo: (payload) => call("echo", payload),
    control: (order) => call("control", order) as Promise<ServerState>,
    note: (payload) => void child.send({ method: "note", params: payload }),
    close: async () => {
      child.disconnect();
    },
  };
}
