// Who may connect, and how to let others in on purpose. Run it: npx tsx examples/safety.ts

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { IPCClient, IPCServer, isCrosswireError } from "crosswire";

const whoAmI = IPCServer.defineRequest<void, string>("who-am-i");

export async function main(): Promise<void> {
  // #region options
  const server = new IPCServer(0, {
    token: process.env["APP_IPC_TOKEN"] ?? randomBytes(32).toString("base64url"),
    allowedHosts: ["host.docker.internal"], // a name that containers use for this machine
    limits: { maxFrameBytes: 1024 * 1024, maxClients: 20 },
  });
  // #endregion
  server.onFrameworkMessage(whoAmI, (_payload, { runtimeId }) => `you are ${runtimeId}`);
  await server.start();

  // #region refused
  try {
    await new IPCClient(server.getPort(), { token: "a-token-that-is-wrong" }).connect();
  } catch (error) {
    if (!isCrosswireError(error, "XW_REFUSED")) throw error;
    console.log(error.message);
  }
  // #endregion

  // #region child
  // A child that cannot read this user's files gets URL and token in its environment.
  const env = { ...process.env, ...server.env }; // CROSSWIRE_URL and CROSSWIRE_TOKEN
  const script = "console.log('the child has', process.env.CROSSWIRE_TOKEN.length, 'characters')";
  const child = spawn(process.execPath, ["-e", script], { env, stdio: "inherit" });
  // #endregion
  await once(child, "exit");

  const client = new IPCClient(server.getUrl(), { token: server.token });
  await client.connect("a friend");
  console.log(await client.sendFrameworkRequest(whoAmI));
  await client.disconnect();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
