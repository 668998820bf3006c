// A client that survives the restart of its server. Run it: npx tsx examples/reconnect.ts

import { once, EventEmitter } from "node:events";
import { IPCClient, IPCServer } from "crosswire";

// #region define
/** Running it twice does no harm, so a call that was cut off may be sent again. */
const readStock = IPCServer.defineRequest<string, number>("stock/read", { idempotent: true });

/** Running it twice would book twice. */
const book = IPCServer.defineRequest<{ item: string; count: number }, number>("stock/book");
// #endregion

const events = new EventEmitter();

/** What `npm start` would be: the same handlers on the same port. */
async function startServer(port: number): Promise<IPCServer> {
  const server = new IPCServer(port);
  const stock = new Map([["apples", 10]]);
  server.onFrameworkMessage(readStock, (item) => stock.get(item) ?? 0);
  // #region handler
  server.onFrameworkMessage(book, ({ item, count }) => {
    const left = (stock.get(item) ?? 0) - count;
    stock.set(item, left);
    return left;
  });
  // #endregion
  await server.start();
  return server;
}

export async function main(): Promise<void> {
  const server = await startServer(0);
  const port = server.getPort();

  // #region client
  const client = new IPCClient(port, { reconnect: {} });
  client.onClose(({ error, willReconnect }) => {
    console.log(error.code, willReconnect ? "- trying to come back" : "- gone for good");
  });
  client.onReconnect(() => void events.emit("back"));
  await client.connect("shop");
  // #endregion

  // #region restart
  const back = once(events, "back");
  await server.close();
  // There is no server now. The call waits for the next one, within its usual timeout.
  const waiting = client.sendFrameworkRequest(readStock, "apples");
  const successor = await startServer(port);
  console.log("apples:", await waiting);
  await back;
  // #endregion

  // #region key
  // With a key the server remembers the answer: sent twice, booked once.
  const order = { item: "apples", count: 3 };
  const idempotencyKey = "order-4711";
  console.log("left:", await client.sendFrameworkRequest(book, order, { idempotencyKey }));
  console.log("left:", await client.sendFrameworkRequest(book, order, { idempotencyKey }));
  // #endregion

  await client.disconnect();
  await successor.close();
}

if (process.argv[1] === import.meta.filename) await main();
