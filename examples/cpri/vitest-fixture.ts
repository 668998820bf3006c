// A context for each test of Vitest, so that tests run side by side against one application.

/* oxlint-disable no-empty-pattern -- Vitest wants to see a pattern, also an empty one. */
// #region fixture
import { http, HttpResponse, type RemoteContext } from "crosswire/cpri";
import { expect, test as base } from "vitest";
import { remote } from "./remote.ts";

const test = base.extend<{ network: RemoteContext }>({
  network: async ({}, use) => {
    const network = remote.context();
    await use(network);
    await network.end();
  },
});

test.concurrent("shows what a book costs", async ({ network }) => {
  await network.use(
    http.get("https://prices.example.com/books/*", () => HttpResponse.json({ amount: 7 })),
  );
  const page = await fetch("http://localhost:3000/dune", { headers: network.headers });
  expect(await page.text()).toBe("/dune costs 7 EUR");
});
// #endregion
