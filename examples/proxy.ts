// One address in front of two servers. Run it: npx tsx examples/proxy.ts

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
// #region create
import { createProxy } from "crosswire/http";

// #endregion
export async function main(): Promise<void> {
  const [api, site] = await Promise.all([serve("the API"), serve("the site")]);
  const [apiUrl, siteUrl] = [urlOf(api), urlOf(site)];

  // #region create
  const proxy = createProxy({
    port: 0, // any free one; 3024 if left out
    routes: {
      "/api/:path*": apiUrl, // "http://localhost:4000", for example
      "/:path*": siteUrl,
    },
  });
  await proxy.start();
  console.log(`Open ${proxy.getUrl()}`);
  // #endregion
  await get(`${proxy.getUrl()}/api/users?page=2`);
  await get(`${proxy.getUrl()}/about`);
  await proxy.close();

  // #region options
  const careful = createProxy({
    port: 0,
    routes: {
      "/api/:path*": { target: `${apiUrl}/v1`, host: "target" },
      "/:path*": { target: siteUrl, fallback: "https://example.com" },
    },
    allowedOrigins: ["http://localhost:5173"], // its pages may open WebSockets
    limits: { proxyHeadTimeoutMs: 30_000, maxProxiedBodyBytes: 10 * 1024 * 1024 },
    onAccess: ({ method, path, status, durationMs, rule }) => {
      console.log(`${method} ${path} ${status} in ${durationMs} ms, by ${rule}`);
    },
  });
  // #endregion
  await careful.start();
  await get(`${careful.getUrl()}/api/users`);

  // #region stats
  const { engine, counters } = careful.stats();
  console.log(`${counters.requests} requests, ${engine.idleConnections} connections kept`);
  // #endregion
  await careful.close();
  for (const server of [api, site]) server.close();
}

async function get(url: string): Promise<void> {
  const response = await fetch(url);
  console.log(response.status, await response.text());
}

async function serve(name: string): Promise<Server> {
  const server = createServer((request, response) => response.end(`${request.url} of ${name}`));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

function urlOf(server: Server): string {
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

if (process.argv[1] === import.meta.filename) await main();
