// One thread of the shop: asks for the items whose names it gets, and hands on what it hears.

import { parentPort, threadId } from "node:worker_threads";

async function ask(id: string): Promise<void> {
  const response = await fetch(`https://catalogue.example/items/${id}`);
  parentPort?.postMessage({ item: await response.json(), threadId });
}

parentPort?.on("message", (id: string) => void ask(id));
