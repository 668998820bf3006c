// A worker: a small shop, as a program under test. runner.start() starts it; by itself it finds no runner.

// #region worker
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { runWorker } from "crosswire/testkit";
import { countWords, fail, readAddress, type ShopFlags } from "./commands.ts";

await runWorker(async (worker) => {
  const flags = worker.config<ShopFlags>("flags", { greeting: "Hello" });
  const server = createServer((_request, response) => response.end(flags.get("greeting")));
  await once(server.listen(0, "127.0.0.1"), "listening");
  worker.onStop(() => server.close());

  const { port } = server.address() as AddressInfo;
  worker.onRequest(readAddress, () => `http://127.0.0.1:${port}`);
  worker.onRequest(countWords, (text) => text.split(/\s+/).length);
  worker.onRequest(fail, () => {
    console.error("The database is down.");
    process.exit(3);
  });
  await worker.registerKeys("http", "flags");
});
// #endregion
