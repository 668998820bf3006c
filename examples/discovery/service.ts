// A service that several processes of this program offer. examples/discovery/index.ts starts them.

// #region service
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { joinDiscovery } from "crosswire/discovery";

const server = createServer((request, response) => {
  response.end(`${request.url} by process ${process.pid}`);
});
await once(server.listen(0, "127.0.0.1"), "listening");
const { port } = server.address() as AddressInfo;

const member = await joinDiscovery();
const baseUrl = `http://127.0.0.1:${port}`;
await member.register([{ api: "users", baseUrl, pathPrefix: "/users" }]);
console.log(`Process ${process.pid} serves users at port ${port}`);
// #endregion

// #region end
process.once("SIGTERM", () => {
  // Takes back what was registered and hands over if it leads. Then nobody is sent here any more.
  void member.close().then(() => server.close());
});
// #endregion
