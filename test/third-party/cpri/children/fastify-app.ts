// A shop on Fastify. Its tests are nothing to it.

import fastify from "fastify";
import { CLIENTS, sendOrder } from "./clients.ts";

const app = fastify();

app.get<{ Params: { client: keyof typeof CLIENTS; id: string } }>(
  "/api/:client/:id",
  ({ params: { client, id } }) => CLIENTS[client](`/items/${id}`),
);

app.post("/api/orders", async ({ body }, reply) => {
  const { status, data } = await sendOrder(body);
  return reply.status(status).send(data);
});

console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
