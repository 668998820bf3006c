// Checking what comes in, with zod; any library of the Standard Schema kind fits. Run it: npx tsx examples/schemas.ts

import { IPCClient, IPCServer, isCrosswireError } from "crosswire";
import { z } from "zod";

// #region define
/** No type arguments: the types of both sides are inferred from the schemas. */
const createUser = IPCServer.defineRequest("user/create", {
  input: z.object({ email: z.email(), born: z.iso.date().transform((text) => new Date(text)) }),
  output: z.object({ id: z.number().int() }),
});
// #endregion

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  await server.start();
  const client = new IPCClient(server.getPort());
  await client.connect();

  // #region handle
  // The handler sees what the schema made of the payload: `born` is a Date here.
  server.onFrameworkMessage(createUser, ({ email, born }) => {
    console.log(`new user ${email}, born in ${born.getUTCFullYear()}`);
    return { id: 1 };
  });
  // #endregion

  // #region call
  console.log(
    await client.sendFrameworkRequest(createUser, { email: "ann@example.com", born: "1990-05-17" }),
  );

  try {
    await client.sendFrameworkRequest(createUser, { email: "ann", born: "yesterday" });
  } catch (error) {
    if (!isCrosswireError(error, "XW_INVALID")) throw error;
    console.log(error.message);
    console.log(error.detail); // { issues: [ { message, path: 'email' }, { message, path: 'born' } ] }
  }
  // #endregion

  await client.disconnect();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
