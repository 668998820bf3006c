// Watching HTTP traffic on its way to the real service. Run it: npx tsx examples/spy-http.ts

import { IPCServer } from "crosswire";

export async function main(): Promise<void> {
  const orders = await startOrders();
  const server = new IPCServer(0);
  await server.start();
  const targetUrl = orders.getUrl();
  const seen: unknown[] = [];
  const interceptor = {
    onRequest: async (body: unknown): Promise<void> => void seen.push(body),
    onResponse: async (response: Response): Promise<void> => void seen.push(await response.json()),
  };

  // #region spy
  server.interceptHttp("POST", "/orders", async (body, _pathParams, _headers, request) => {
    await interceptor.onRequest(body); // observe the request
    const response = await fetch(request.toRequest(targetUrl)); // forward to the real service
    await interceptor.onResponse(response.clone()); // observe the response
    return response;
  });
  // #endregion

  // #region change
  server.interceptHttp("GET", "/orders/:id", async (_body, { id }, _headers, request) => {
    if (id === "13") return { statusCode: 503, error: "try again later" };
    const response = await fetch(request.toRequest(targetUrl));
    const order = (await response.json()) as Record<string, unknown>;
    return Response.json({ ...order, spied: true }, { status: response.status });
  });
  // #endregion

  const created = await fetch(`${server.getUrl()}/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ cents: 1_200 }),
  });
  console.log(created.status, await created.json());
  console.log("seen:", seen);
  for (const id of ["7", "13"]) {
    const response = await fetch(`${server.getUrl()}/orders/${id}`);
    console.log(response.status, await response.json());
  }

  await server.close();
  await orders.close();
}

/** Stands for the real service. */
async function startOrders(): Promise<IPCServer> {
  const orders = new IPCServer(0);
  orders.interceptHttp("POST", "/orders", (body) => ({ statusCode: 201, id: 7, order: body }));
  orders.interceptHttp("GET", "/orders/:id", (_body, { id }) => ({ id, cents: 1_200 }));
  await orders.start();
  return orders;
}

if (process.argv[1] === import.meta.filename) await main();
