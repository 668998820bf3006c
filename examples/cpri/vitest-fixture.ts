// A context for each test of Vitest, so that tests run side by side against one application.

// #region fixture
import { http, HttpResponse, networkError } from "crosswire/cpri";
import { remoteContextFixture } from "crosswire/testkit";
import { afterAll, beforeAll, expect, test as base } from "vitest";
import { remote } from "./remote.ts";
import { type Shop, startShop } from "./start-shop.ts";

const test = base.extend({ network: remoteContextFixture(remote) });
const BOOK = "https://prices.example.com/books/dune";

let shop: Shop; // one process for all tests
beforeAll(async () => {
  shop = await startShop();
});
afterAll(async () => {
  shop.process.kill();
  await remote.close();
});

test.concurrent("shows what a book costs", async ({ network }) => {
  await network.use(http.get(BOOK, () => HttpResponse.json({ amount: 7 })));
  const page = await fetch(`${shop.url}/dune`, { headers: network.headers });
  expect(await page.text()).toBe("/dune costs 7 EUR");
});

test.concurrent("says so when there is no price", async ({ network }) => {
  await network.use(http.get(BOOK, () => networkError("ECONNREFUSED")));
  const page = await fetch(`${shop.url}/dune`, { headers: network.headers });
  expect(page.status).toBe(502);
});
// #endregion
