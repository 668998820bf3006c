// Steps at the front: web requests that this server answers in place of a service, and those that it passes on to one.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { IPCServer } from "crosswire";
import { createProxy } from "crosswire/http";
import { say } from "./narrator.ts";

export async function answerInPlace(server: IPCServer): Promise<void> {
  const undo = server.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ id, name: "Mock" }));
  say(`GET /users/42 on the same port: ${await get(`${server.getUrl()}/users/42`)}`);
  undo();
  say(`The handler is taken back: ${await get(`${server.getUrl()}/users/42`)}`);
}

export async function passOn(server: IPCServer): Promise<void> {
  const service = await serve("the order service");
  const serviceUrl = urlOf(service);
  server.setRouteProxyResolver((path) => (path.startsWith("/orders") ? serviceUrl : undefined));
  say(`GET /orders/7 goes to a service: ${await get(`${server.getUrl()}/orders/7`)}`);
  service.close();
  service.closeAllConnections();
  say(`The service is gone: ${await get(`${server.getUrl()}/orders/7`)}`);
  server.setRouteProxyResolver(undefined);
}

export async function holdFor(): Promise<void> {
  const service = await serve("a late one");
  const port = (service.address() as AddressInfo).port;
  const target = urlOf(service);
  service.close();
  await once(service, "close");
  const proxy = createProxy({ port: 0, routes: { "/late/:path*": target } });
  await proxy.start();
  say(`A proxy listens on ${proxy.getUrl()}. A request comes before its application is there.`);
  const answer = get(`${proxy.getUrl()}/late/page`);
  setTimeout(() => service.listen(port, "127.0.0.1"), 300);
  say(`The request was held, and nothing of it is lost: ${await answer}`);
  await proxy.close();
  service.close();
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  return `${response.status} ${await response.text()}`;
}

async function serve(name: string): Promise<Server> {
  const server = createServer((request, response) => response.end(`${request.url} of ${name}`));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
