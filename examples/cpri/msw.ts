// Handlers that were written for MSW, answering for another process.

import type { Log, Visit } from "./index.ts";
import { remote as shopRemote } from "./remote.ts";
// #region setup
import { http, HttpResponse } from "msw";
import { fromMsw, setupRemoteServer } from "crosswire/msw";

const remote = setupRemoteServer(
  http.get("https://prices.example.com/books/:title", () => HttpResponse.json({ amount: 4 })),
);

const sale = fromMsw(
  http.get("https://prices.example.com/books/dune", () => HttpResponse.json({ amount: 2 })),
);
// #endregion

export async function answerWithMsw(visit: Visit, log: Log): Promise<void> {
  // #region listen
  await remote.listen();
  log(await visit("/dune")); // /dune costs 4 EUR
  // #endregion
  await remote.close();
  // #region use
  await shopRemote.use(sale);
  // #endregion
  log(await visit("/dune")); // /dune costs 2 EUR
  await shopRemote.resetHandlers();
}
