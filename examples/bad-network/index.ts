// Programs on a network that is slow, silent, or breaks in the middle. Run it: npx tsx examples/bad-network/index.ts

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { IPCClient, IPCServer } from "crosswire";
import { createChaosProxy } from "crosswire/testkit";

const readStock = IPCServer.defineRequest<string, number>("stock/read", { idempotent: true });

export async function main(): Promise<void> {
  await overHttp();
  await overIpc();
}

async function overHttp(): Promise<void> {
  const service = createServer((_request, response) => response.end("apples ".repeat(1_000)));
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  const serviceUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}/stock`;

  // #region open
  const network = await createChaosProxy(serviceUrl, { latencyMs: 40, jitterMs: 20 });
  const url = network.urlFor(serviceUrl); // the same, with the port of the proxy

  const start = performance.now();
  const answer = await (await fetch(url)).text();
  const ms = Math.round(performance.now() - start);
  console.log(`${answer.length} bytes after ${ms} ms`); // more than 80: there and back
  // #endregion

  // #region change
  network.faults = { toClient: { resetAfterBytes: 3_000 } };
  console.log(await outcome(url)); // terminated: the answer breaks off in the middle

  network.faults = { blackhole: true };
  console.log(await outcome(url)); // The operation was aborted due to timeout

  network.faults = { refuse: true };
  network.cut();
  console.log(await outcome(url)); // fetch failed, as if the service were down

  network.faults = {};
  console.log(await outcome(url)); // 7000 bytes: the network is good again
  // #endregion

  // #region close
  await network.close();
  // #endregion
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
}

// #region outcome
/** Stands for the program under test. It gives up after 200 ms. */
async function outcome(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(200) });
    return `${(await response.text()).length} bytes`;
  } catch (error) {
    return (error as Error).message;
  }
}
// #endregion

async function overIpc(): Promise<void> {
  // #region ipc
  const network = await createChaosProxy(() => server.getPort(), { sliceBytes: 5 });
  // A server lets in only those who call it by a name on its list.
  const server = new IPCServer(0, { allowedHosts: [`127.0.0.1:${network.port}`] });
  server.onFrameworkMessage(readStock, () => 10);
  await server.start();
  const client = new IPCClient(network.port, { token: server.token, reconnect: {} });
  await client.connect("shop");

  network.cut();
  console.log("apples:", await client.sendFrameworkRequest(readStock, "apples"));
  // #endregion

  await client.disconnect();
  await server.close();
  await network.close();
}

if (process.argv[1] === import.meta.filename) await main();
