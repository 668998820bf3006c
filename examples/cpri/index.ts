// A test that answers for the services of an application which it does not touch: answers and failures, contexts, what
// was asked, WebSockets, and handlers of MSW.

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { delay, http, HttpResponse, networkError, passthrough } from "crosswire/cpri";
import { separate, separateByBoundary } from "./contexts.ts";
import { answerWithMsw } from "./msw.ts";
import { remote } from "./remote.ts";
import { type Shop, startShop } from "./start-shop.ts";
import { count, explain, watch } from "./watch.ts";
import { mockSupport, spyOnSupport } from "./websockets.ts";

export type Visit = (path: string, headers?: Readonly<Record<string, string>>) => Promise<string>;
export type Log = (line: string) => void;

export async function main(log: Log = console.log): Promise<void> {
  // Examples may run side by side, and are not to meet.
  const { CROSSWIRE_NAME: before } = process.env;
  process.env["CROSSWIRE_NAME"] = `example ${process.pid}`;
  let shop: Shop | undefined;
  try {
    shop = await startShop();
    await showAll(visitorOf(shop), log);
  } finally {
    shop?.process.kill();
    await remote.close();
    if (before === undefined) delete process.env["CROSSWIRE_NAME"];
    else process.env["CROSSWIRE_NAME"] = before;
  }
}

async function showAll(visit: Visit, log: Log): Promise<void> {
  await answer(visit, log);
  await fail(visit, log);
  await answerHomepage(log);
  await separate(visit, log);
  await separateByBoundary(visit, log);
  await watch(visit, log);
  await count(visit, log);
  await mockSupport(log);
  await spyOnSupport(log);
  await answerWithMsw(visit, log);
  await explain(visit, log);
}

function visitorOf({ url }: Shop): Visit {
  return async (path, headers = {}) => (await fetch(`${url}${path}`, { headers })).text();
}

async function answer(visit: Visit, log: Log): Promise<void> {
  // #region listen
  await remote.listen();
  log(await visit("/dune")); // /dune costs 12 EUR
  // #endregion
  // #region use
  await remote.use(
    http.get("https://prices.example.com/books/dune", () => HttpResponse.json({ amount: 3 })),
  );
  log(await visit("/dune")); // /dune costs 3 EUR
  await remote.resetHandlers();
  // #endregion
}

async function fail(visit: Visit, log: Log): Promise<void> {
  // #region fail
  await remote.use(
    http.get("https://prices.example.com/books/lost", () => networkError("ECONNREFUSED")),
    http.get("https://prices.example.com/books/slow", async () => {
      await delay(20);
      return HttpResponse.json({ amount: 9 });
    }),
    http.get("https://status.example.com/*", () => passthrough()),
  );
  log(await visit("/lost")); // No price: connect ECONNREFUSED 127.0.0.1:443
  log(await visit("/slow")); // /slow costs 9 EUR
  // #endregion
  await remote.resetHandlers();
}

/** Of an application that has Crosswire in its code. */
async function answerHomepage(log: Log): Promise<void> {
  await remote.use(
    // #region homepage
    http.get("https://example.com/resource", () => {
      return HttpResponse.text("hello world");
    }),
    // #endregion
  );
  const homepage = new Worker(fileURLToPath(new URL("./homepage.mjs", import.meta.url)));
  const [text] = (await once(homepage, "message")) as [string];
  log(text);
  await once(homepage, "exit");
  await remote.resetHandlers();
}
