// The process whose handlers answer: one handler for each operation, or the same behind a hundred others.

import { http } from "../../src/cpri/handlers/http-handlers.ts";
import { HttpResponse } from "../../src/cpri/handlers/http-response.ts";
import { ws } from "../../src/cpri/handlers/websocket-link.ts";
import { setupRemoteServer } from "../../src/cpri/setup.ts";
import { chunks, MOCKED, USER } from "./tasks.ts";

const [name, others] = process.argv.slice(2);
const echo = ws.link(`${MOCKED.replace("http", "ws")}/frames`);

const remote = setupRemoteServer(
  ...Array.from({ length: Number(others) }, (_, i) =>
    http.get(`${MOCKED}/other-${i}/:id`, () => HttpResponse.json({ i })),
  ),
  http.get(`${MOCKED}/users/:id`, () => HttpResponse.json(USER)),
  http.get(`${MOCKED}/body`, () => new Response(ReadableStream.from(chunks()))),
  echo.addEventListener("connection", ({ client }) => {
    client.addEventListener("message", ({ data }) => client.send(data));
  }),
);
await remote.listen({ name: name ?? "bench", onUnhandledRequest: "bypass" });

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
