// An application with Crosswire in its code: a thread here, usually a process.

import { parentPort } from "node:worker_threads";
// #region app
import { setupServer } from "crosswire/cpri";

const server = setupServer({
  remote: { enable: true },
});
server.listen();
// #endregion

const response = await fetch("https://example.com/resource");
parentPort.postMessage(await response.text());
await server.close();
