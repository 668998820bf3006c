// MessagePorts keep the contract of transports: within one thread, and between worker threads.

import { MessageChannel } from "node:worker_threads";
import { createPortTransport, IPCClient, IPCServer, IPCSocket } from "crosswire";
import { afterAll, expect, onTestFinished, test } from "vitest";
import type { Transport } from "../../src/channel/transport.ts";
import { transportContract } from "../contract/transport.ts";
import { RemoteTransport, startPortWorker } from "./remote-transport.ts";

function portPair(): readonly [Transport, Transport] {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => {
    port1.close();
    port2.close();
  });
  return [createPortTransport(port1), createPortTransport(port2)];
}

const sharedWorker = startPortWorker();
afterAll(() => sharedWorker.terminate());

async function workerPair(worker = sharedWorker): Promise<readonly [Transport, RemoteTransport]> {
  const { port1, port2 } = new MessageChannel();
  const remote = await RemoteTransport.start(port2, worker);
  onTestFinished(() => {
    port1.close();
    remote.release();
  });
  return [createPortTransport(port1), remote];
}

transportContract("MessagePort within a thread", async () => portPair());
transportContract("MessagePort between worker threads", () => workerPair());

test("the end of a worker ends the conversation with it", async () => {
  const worker = startPortWorker();
  const [here, remote] = await workerPair(worker);
  const closed = new Promise((resolve) => {
    here.open({ frame: () => {}, alive: () => {}, drain: () => {}, close: resolve });
  });
  remote.open({ frame: () => {}, alive: () => {}, drain: () => {}, close: () => {} });
  await worker.terminate();
  expect(await closed).toMatchObject({ code: 1006 });
});

test("calls, bytes and streams work over ports as over sockets", async () => {
  const [here, there] = portPair();
  const a = new IPCSocket(here, { expectsHello: true });
  const b = new IPCSocket(there, { expectsHello: true });
  b.onRequest("port/echo", (payload: unknown) => payload);
  b.onStream("port/count", async function* (to: number) {
    for (let n = 1; n <= to; n++) yield n;
  });
  await a.ready();
  expect(await a.request("port/echo", { text: "ż" })).toEqual({ text: "ż" });
  const bytes = (await a.request("port/echo", new Uint8Array([1, 2]))) as Uint8Array;
  expect([...bytes]).toEqual([1, 2]);
  const items: unknown[] = [];
  for await (const item of a.openStream("port/count", 500)) items.push(item);
  expect(items).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
  await a.close();
});

test("a client connects over whatever its function opens", async () => {
  const [here, there] = portPair();
  const server = new IPCSocket(there, { expectsHello: true });
  server.onRequest("port/greet", (name: string) => `Hello ${name}`);
  const client = new IPCClient(() => here);
  await client.connect();
  const greet = IPCServer.defineRequest<string, string>("port/greet");
  expect(await client.sendFrameworkRequest(greet, "you")).toBe("Hello you");
  await client.disconnect();
});
