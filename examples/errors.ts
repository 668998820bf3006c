// What can go wrong in a call, and how each case reads. Run it: npx tsx examples/errors.ts

import { setTimeout as sleep } from "node:timers/promises";
import { IPCClient, IPCServer, isCrosswireError } from "crosswire";

// #region define
const slow = IPCServer.defineRequest<void, string>("report/build");
const pay = IPCServer.defineRequest<{ cents: number }, void>("account/pay");
const unheard = IPCServer.defineRequest<void, void>("nobody/answers");
// #endregion

function answer(server: IPCServer): void {
  // #region handlers
  server.onFrameworkMessage(slow, async (_payload, { signal }) => {
    await sleep(60_000, undefined, { signal }); // ends when the caller gives up
    return "done";
  });

  server.onFrameworkMessage(pay, ({ cents }) => {
    throw Object.assign(new Error(`The account holds only ${cents - 1} cents`), {
      name: "PaymentError",
      code: "E_FUNDS",
      data: { missing: 1 },
    });
  });
  // #endregion
}

async function waitTooLong(client: IPCClient): Promise<void> {
  // #region timeout
  try {
    await client.sendFrameworkRequest(slow, undefined, { timeoutMs: 20 }); // or just 20
  } catch (error) {
    if (!isCrosswireError(error, "XW_TIMEOUT")) throw error;
    console.log(error.code, "-", error.message);
  }
  // #endregion
}

async function giveUp(client: IPCClient): Promise<void> {
  // #region abort
  const controller = new AbortController();
  const report = client.sendFrameworkRequest(slow, undefined, { signal: controller.signal });
  controller.abort(new Error("The user closed the window"));
  // The caller gets the reason itself; in the handler, signal.reason is XW_CANCELLED.
  await report.catch((reason: Error) => console.log(reason.message));
  // #endregion
}

async function payTooMuch(client: IPCClient): Promise<void> {
  // #region remote
  try {
    await client.sendFrameworkRequest(pay, { cents: 100 });
  } catch (error) {
    if (!isCrosswireError(error, "XW_REMOTE")) throw error;
    console.log(error.code, "-", error.message);
    console.log(error.detail); // { name: 'PaymentError', code: 'E_FUNDS', data: { missing: 1 } }
  }
  // #endregion
}

async function askNobody(client: IPCClient): Promise<void> {
  // #region codes
  try {
    await client.sendFrameworkRequest(unheard);
  } catch (error) {
    if (!isCrosswireError(error)) throw error;
    switch (error.code) {
      case "XW_NO_HANDLER": // both sides run, but not the same version of them
      case "XW_OVERLOADED": // try again later
      case "XW_CONNECTION_LOST": // error.maybeDelivered says whether the handler may have run
        console.log(error.code, "-", error.message);
        break;
      default:
        throw error;
    }
  }
  // #endregion
}

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  answer(server);
  await server.start();
  const client = new IPCClient(server.getPort());
  await client.connect();

  await waitTooLong(client);
  await giveUp(client);
  await payTooMuch(client);
  await askNobody(client);

  await client.disconnect();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
