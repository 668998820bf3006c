// A thread that talks to the support of the shop by WebSocket.

import { parentPort, workerData } from "node:worker_threads";
import { WebSocket } from "ws";

const socket = new WebSocket(workerData);
socket.on("open", () => socket.send("hello"));
socket.on("message", (data) => {
  parentPort.postMessage(String(data));
  socket.close();
});
