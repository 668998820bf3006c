// Pages that a server renders, in a real browser: what the server asks for on behalf of a page is answered by the test.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findChromium, launchChromium } from "../fixtures/chromium.ts";
import { type App, startApp } from "./cpri/app.ts";

const file = await findChromium();

describe.skipIf(file === undefined)("a page in a browser", () => {
  const remote = setupRemoteServer();
  let app: App;
  let browser: Browser;

  beforeAll(async () => {
    await remote.listen();
    [app, browser] = await Promise.all([startApp("express-app"), launchChromium(file ?? "")]);
  });

  afterAll(async () => {
    await remote.close();
    await Promise.all([app.close(), browser.close()]);
  });

  /** What the shop asks for, in somebody's name. */
  function catalogue(name: string): ReturnType<typeof http.get> {
    return http.get("https://catalogue.example/:kind/:id", ({ params: { id } }) =>
      HttpResponse.json({ id: `${String(id)} of ${name}`, price: name.length }),
    );
  }

  async function newContext(): Promise<BrowserContext> {
    const context = await browser.newContext({ baseURL: app.url });
    onTestFinished(() => context.close());
    return context;
  }

  test("shows what the test answered to its loader", async () => {
    await remote.use(catalogue("everybody"));
    onTestFinished(() => remote.resetHandlers());
    const page = await (await newContext()).newPage();
    await page.goto("/items/lamp");
    expect(await page.locator("h1").textContent()).toBe("lamp of everybody");
    expect(await page.locator("p").textContent()).toBe("9");
  });

  test("stays with its test by a header, by a cookie, and where a link is followed", async () => {
    await remote.use(catalogue("everybody"));
    onTestFinished(() => remote.resetHandlers());
    await using anna = remote.context();
    await using bert = remote.context();
    await Promise.all([anna.use(catalogue("Anna")), bert.use(catalogue("Bert"))]);
    const [ofAnna, ofBert, ofNobody] = await Promise.all([
      newContext(),
      newContext(),
      newContext(),
    ]);
    await ofAnna.setExtraHTTPHeaders(anna.headers);
    await ofBert.addCookies([{ ...bert.cookie, url: app.url }]);

    const visit = async (context: BrowserContext): Promise<readonly (string | null)[]> => {
      const page = await context.newPage();
      await page.goto("/items/lamp");
      const first = await page.locator("h1").textContent();
      await page.getByText("next").click();
      await page.waitForURL("**/items/next-to-*");
      return [first, await page.locator("h1").textContent()];
    };
    const seen = await Promise.all([ofAnna, ofBert, ofNobody].map((context) => visit(context)));
    expect(seen).toEqual(
      ["Anna", "Bert", "everybody"].map((name) => [`lamp of ${name}`, `next-to-lamp of ${name}`]),
    );
  });
});
