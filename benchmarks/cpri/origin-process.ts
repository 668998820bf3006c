// The local server that whoever is not mocked is answered by: a small JSON, a long body, and a WebSocket that echoes.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { WebSocketServer } from "ws";
import { chunks, USER } from "./tasks.ts";

const server = createServer((request, response) => {
  if (request.url === "/body") return void Readable.from(chunks()).pipe(response);
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(USER));
});
server.keepAliveTimeout = 60_000;
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit());
