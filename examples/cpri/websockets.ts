// The WebSockets of an application: a mock of a server that does not exist, and a spy before one that does.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ws } from "crosswire/cpri";
import { WebSocketServer } from "ws";
import type { Log } from "./index.ts";
import { remote } from "./remote.ts";

export async function mockSupport(log: Log): Promise<void> {
  // #region mock
  const support = ws.link("wss://support.example.com/*");
  await remote.use(
    support.addEventListener("connection", ({ client }) => {
      client.addEventListener("message", ({ data }) => {
        client.send(`${client.url.pathname} heard ${String(data)}`);
      });
    }),
  );
  // #endregion
  log(await whatCustomerHears("wss://support.example.com/room-7")); // /room-7 heard hello
  await remote.resetHandlers();
}

export async function spyOnSupport(log: Log): Promise<void> {
  const service = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  service.on("connection", (socket) => {
    socket.on("message", (data) => socket.send(`The service heard ${String(data)}`));
  });
  await once(service, "listening");
  const url = `ws://127.0.0.1:${(service.address() as AddressInfo).port}`;
  // #region spy
  const support = ws.link(`${url}/*`); // of the real service
  await remote.use(
    support.addEventListener("connection", ({ client, server }) => {
      server.connect();
      client.addEventListener("message", ({ data }) => log(`to the service: ${String(data)}`));
      server.addEventListener("message", (event) => {
        event.preventDefault();
        client.send(String(event.data).toUpperCase());
      });
    }),
  );
  // #endregion
  log(await whatCustomerHears(`${url}/room-7`)); // THE SERVICE HEARD HELLO
  service.close();
  await remote.resetHandlers();
}

async function whatCustomerHears(url: string): Promise<string> {
  const customer = new Worker(fileURLToPath(new URL("./customer.mjs", import.meta.url)), {
    execArgv: ["--import", "crosswire/register"],
    workerData: url,
  });
  const [heard] = (await once(customer, "message")) as [string];
  await once(customer, "exit");
  return heard;
}
