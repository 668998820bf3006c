// Two applications at one address, by a microfrontends file. Run it: npx tsx examples/microfrontends/index.ts

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { createProxy, loadMicrofrontends } from "crosswire/http";

const FILE = fileURLToPath(new URL("microfrontends.json", import.meta.url));

export async function main(): Promise<void> {
  // #region proxy
  const microfrontends = loadMicrofrontends(FILE); // without a path: the nearest file
  for (const warning of microfrontends.warnings) console.log(warning);

  const proxy = createProxy({ port: 0, microfrontends });
  await proxy.start();
  // #endregion

  // #region hold
  // Nobody listens yet. The request is held until the application does.
  const early = fetch(`${proxy.getUrl()}/docs/intro`);
  const servers = await Promise.all(microfrontends.apps.map(startApp));
  console.log(await (await early).text()); // /docs/intro of docs
  // #endregion
  console.log(await (await fetch(`${proxy.getUrl()}/about`)).text()); // /about of web

  // #region explain
  const { app, losers } = microfrontends.router.explain("/docs/intro");
  console.log(`/docs/intro goes to ${app.name}`);
  for (const { rule, text } of losers) console.log(`not by ${rule.pattern}: ${text}`);
  // #endregion

  await proxy.close();
  for (const server of servers) server.close();
}

/** Stands for a development server. */
async function startApp(app: { name: string; local: { port: number } }): Promise<Server> {
  const server = createServer((request, response) => response.end(`${request.url} of ${app.name}`));
  await once(server.listen(app.local.port, "127.0.0.1"), "listening");
  return server;
}

if (process.argv[1] === import.meta.filename) await main();
