// Tests that share one application, and do not see each other's handlers.

import { http, HttpResponse } from "crosswire/cpri";
import type { Log, Visit } from "./index.ts";
import { remote } from "./remote.ts";

export async function separate(visit: Visit, log: Log): Promise<void> {
  // #region contexts
  const cheap = remote.context();
  const dear = remote.context();
  const price = (amount: number) =>
    http.get("https://prices.example.com/books/*", () => HttpResponse.json({ amount }));
  await Promise.all([cheap.use(price(1)), dear.use(price(99))]);

  const pages = await Promise.all([
    visit("/dune", cheap.headers), // /dune costs 1 EUR
    visit("/dune", dear.headers), // /dune costs 99 EUR
    visit("/dune"), // /dune costs 12 EUR
  ]);
  await Promise.all([cheap.end(), dear.end()]);
  // #endregion
  for (const page of pages) log(page);
}

export async function separateByBoundary(visit: Visit, log: Log): Promise<void> {
  // #region boundary
  await remote.boundary(async ({ headers }) => {
    await remote.use(
      http.get("https://prices.example.com/books/*", () => HttpResponse.json({ amount: 5 })),
    );
    log(await visit("/dune", headers)); // /dune costs 5 EUR
  });
  log(await visit("/dune")); // /dune costs 12 EUR
  // #endregion
}
