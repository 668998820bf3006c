// A server that passes on what it does not answer itself. Run it: npx tsx examples/route-proxy.ts

import { IPCServer } from "crosswire";

export async function main(): Promise<void> {
  const users = await startService("users");
  const orders = await startService("orders");

  // #region resolver
  const server = new IPCServer(0);
  const routes = [
    { prefix: "/users", baseUrl: users.getUrl() }, // "http://127.0.0.1:4001", for example
    { prefix: "/orders", baseUrl: orders.getUrl() },
  ];
  server.setRouteProxyResolver((path) => {
    return routes.find(({ prefix }) => path === prefix || path.startsWith(`${prefix}/`))?.baseUrl;
  });
  await server.start();
  // #endregion

  // #region mock
  // An intercept comes first: this one request is mocked, the others still reach the service.
  server.interceptHttp("GET", "/users/13", () => ({ statusCode: 404, error: "no such user" }));
  // #endregion
  for (const path of ["/users/7", "/users/13", "/orders/1", "/elsewhere"]) {
    const response = await fetch(server.getUrl() + path);
    console.log(path, response.status, await response.text());
  }

  // #region off
  server.setRouteProxyResolver(undefined); // from now on these paths are a 404
  // #endregion
  console.log((await fetch(`${server.getUrl()}/users/7`)).status);
  await Promise.all([server, users, orders].map((one) => one.close()));
}

/** Stands for a real service. */
async function startService(name: string): Promise<IPCServer> {
  const service = new IPCServer(0);
  service.interceptHttp("GET", `/${name}/:id`, (_body, { id }) => ({ id, from: name }));
  await service.start();
  return service;
}

if (process.argv[1] === import.meta.filename) await main();
