// A shop on Express, with an interface for programs and pages for people. Its tests are nothing to it.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import express from "express";
import { CLIENTS, type Item, sendOrder } from "./clients.ts";

const app = express();
app.use(express.json());

app.get("/api/:client/:id", async ({ params: { client, id } }, reply) => {
  reply.json(await CLIENTS[client as keyof typeof CLIENTS](`/items/${id}`));
});

app.post("/api/orders", async ({ body }, reply) => {
  const { status, data } = await sendOrder(body);
  reply.status(status).json(data);
});

app.get("/items/:id", async ({ params: { id } }, reply) => {
  const item = await load(id);
  reply.send(`<!doctype html><title>${item.id}</title>
    <h1>${item.id}</h1><p>${item.price}</p><a href="/items/next-to-${id}">next</a>`);
});

/** Asks twice, one after the other, with a pause between. */
async function load(id: string): Promise<Item> {
  const { price } = await CLIENTS.axios(`/prices/${id}`);
  await setTimeout(1);
  return { ...(await CLIENTS.fetch(`/items/${id}`)), price };
}

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
