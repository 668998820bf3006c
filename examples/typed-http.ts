// HTTP intercepts whose parameters and bodies are checked, with zod. Run it: npx tsx examples/typed-http.ts

import { IPCServer } from "crosswire";
import { defineRoute } from "crosswire/http";
import { z } from "zod";

// #region define
const createOrder = defineRoute("POST", "/users/:id/orders", {
  params: z.object({ id: z.coerce.number().int() }),
  body: z.object({ cents: z.number().positive() }),
  response: z.object({ order: z.number() }),
});
// #endregion

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  await server.start();

  // #region handle
  server.interceptHttp(createOrder, ({ cents }, { id }) => {
    console.log(`user ${id} pays ${cents / 100}`); // both are numbers here
    return { order: 1 };
  });
  // #endregion

  const order = (body: unknown): Promise<Response> =>
    fetch(`${server.getUrl()}/users/7/orders`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  console.log(await (await order({ cents: 500 })).json());
  const refused = await order({ cents: "500" });
  console.log(refused.status, await refused.json()); // 400 { error, code: 'XW_INVALID', issues: [ … ] }

  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
