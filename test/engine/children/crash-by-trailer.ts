// A process with nothing but http-proxy in it, which one GET is sent through. Run by http-proxy.test.ts.

import { createServer, get } from "node:http";
import type { AddressInfo, Server } from "node:net";
import httpProxy from "http-proxy";

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const origin = createServer((_request, response) => response.end("ok"));
origin.listen(0, "127.0.0.1", () => {
  const target = { host: "127.0.0.1", port: portOf(origin) };
  const proxy = httpProxy.createProxyServer({ target });
  proxy.on("error", () => {});
  const front = createServer((request, response) => proxy.web(request, response));
  front.listen(0, "127.0.0.1", () => {
    const headers = { Trailer: "x-t" };
    const done = (): void => process.exit(0);
    get({ port: portOf(front), host: "127.0.0.1", headers }, done).on("error", done);
  });
});
