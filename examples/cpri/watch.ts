// What an application sends, seen from the test: as events, as one request that is waited for, as calls of a handler,
// and as a sentence that says why nobody answered.

import { http, HttpResponse } from "crosswire/cpri";
import type { Log, Visit } from "./index.ts";
import { remote } from "./remote.ts";

export async function watch(visit: Visit, log: Log): Promise<void> {
  // #region events
  const stop = remote.events.on("response:mocked", ({ request, response }) => {
    log(`${request.method} ${request.url}: ${response.status}`);
  });
  await remote.sync();
  await visit("/emma"); // GET https://prices.example.com/books/emma: 200
  stop();
  // #endregion
  // #region wait
  const asked = remote.waitForRequest("GET https://prices.example.com/books/:title");
  await remote.sync();
  await visit("/ulysses");
  log((await asked).url); // https://prices.example.com/books/ulysses
  // #endregion
}

export async function count(visit: Visit, log: Log): Promise<void> {
  // #region calls
  const prices = http.get("https://prices.example.com/books/:title", () =>
    HttpResponse.json({ amount: 8 }),
  );
  await remote.use(prices);
  await Promise.all([visit("/dune"), visit("/emma")]);
  await remote.idle();
  log(prices.calls.map(({ params }) => params["title"]).join()); // dune,emma
  // #endregion
  await remote.resetHandlers();
}

export async function explain(visit: Visit, log: Log): Promise<void> {
  await remote.close();
  // #region unhandled
  await remote.listen({ onUnhandledRequest: "error" });
  await remote.resetHandlers(
    http.post("https://prices.example.com/books/:title", () => HttpResponse.json({ amount: 1 })),
    http.get("https://prices.example.com/book/:title", () => HttpResponse.json({ amount: 1 })),
  );
  log(await visit("/dune")); // No price: No handler matched GET https://prices.example.com/…
  // #endregion
  await remote.resetHandlers();
}
