// Opens a proxy, sends a request through it and holds another, closes it, and tells what still keeps it alive.

import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { createProxy } from "crosswire/http";

const app = createServer((_request, response) => response.end("hello"));
await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
const proxy = createProxy({
  port: 0,
  routes: {
    "/:path*": `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
    // Port 1 is nobody's, so this one is held.
    "/held": "http://127.0.0.1:1",
  },
});
await proxy.start();
const ask = (path: string): Promise<number | undefined> =>
  new Promise((resolve) => {
    get(`http://127.0.0.1:${proxy.getPort()}${path}`, { agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).on("error", () => resolve(undefined));
  });
await ask("/");
const held = ask("/held");
const isHeld = (): boolean => {
  const { counters, engine } = proxy.stats();
  return counters.requests === 2 && engine.exchanges === 0;
};
while (!isHeld()) await new Promise((resolve) => setImmediate(resolve));
await proxy.close();
app.close();
app.closeAllConnections();
const answer = await held;
await new Promise((resolve) => setImmediate(resolve));
const left = process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name));
console.log(JSON.stringify({ left, answer }));
