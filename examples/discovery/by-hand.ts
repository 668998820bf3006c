// Discovery on a server of one's own, with a mock that stands in for a service. Nobody is elected here.

import { IPCClient, IPCServer } from "crosswire";
import { DiscoveryClient, DiscoveryServer } from "crosswire/discovery";

export async function byHand(): Promise<void> {
  const real = await startUsers();
  const baseUrl = real.getUrl();

  // #region server
  const server = new IPCServer(0);
  const discovery = new DiscoveryServer(server, { strategy: "least-connections" });
  await server.start();
  // #endregion

  // #region client
  const client = new IPCClient(server.getPort(), { reconnect: {} }); // usually in another process
  await client.connect();
  const services = new DiscoveryClient(client);
  await services.register([{ api: "users", baseUrl, pathPrefix: "/users" }]);
  console.log(await services.discoverApi("users")); // { success: true, url, baseUrl, epoch: 0 }
  // #endregion
  console.log(await (await fetch(`${server.getUrl()}/users/7`)).text());

  // #region mock
  server.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ id, name: "Mock User" }));
  const entry = { api: "users", baseUrl: server.getUrl(), pathPrefix: "/users" };
  const removeRoute = discovery.addRoute(entry);
  // Whoever looks up "users" is sent to the mock, though the real service is registered too.
  console.log(discovery.getRoute("users")?.baseUrl === server.getUrl()); // true
  removeRoute();
  // #endregion

  await services.close();
  await client.disconnect();
  discovery.close();
  await server.close();
  await real.close();
}

/** Stands for a real service. */
async function startUsers(): Promise<IPCServer> {
  const users = new IPCServer(0);
  users.interceptHttp("GET", "/users/:id", (_body, { id }) => ({ id, name: "Real User" }));
  await users.start();
  return users;
}
