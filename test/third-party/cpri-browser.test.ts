// Pages that a server renders, in a real browser: what the server asks for on behalf of a page is answered by the test.

import { fileURLToPath } from "node:url";
import { http, HttpResponse, type RemoteServer, setupRemoteServer } from "crosswire/cpri";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { findChromium, launchChromium } from "../fixtures/chromium.ts";
import { type App, startApp } from "./cpri/app.ts";
import { type Fixtures, runWithFixtures } from "./playwright-fixtures.ts";

const file = await findChromium();

/** What the example gives to Playwright's test runner, which is not installed here. */
const extended = vi.hoisted((): { fixtures: Fixtures } => ({ fixtures: {} }));
vi.mock("@playwright/test", () => ({
  test: { extend: (fixtures: Fixtures) => void (extended.fixtures = fixtures) },
}));
// Not as the URL of a file: knip would follow it, and miss the package.
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

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

  test("stays with its test by the fixtures of the example for Playwright", async () => {
    const example = (await import(`${EXAMPLES}cpri/playwright-fixture.mjs`)) as {
      readonly remote: RemoteServer;
    };
    onTestFinished(() => example.remote.close());
    const namesOf = async (name: string): Promise<string | null> => {
      const given = { context: await newContext(), baseURL: app.url };
      let heading: string | null = null;
      await runWithFixtures(extended.fixtures, given, async ({ context, network }) => {
        await network.use(catalogue(name));
        const page = await context.newPage();
        await page.goto("/items/lamp");
        heading = await page.locator("h1").textContent();
      });
      return heading;
    };
    const seen = await Promise.all([namesOf("Anna"), namesOf("Bert")]);
    expect(seen).toEqual(["lamp of Anna", "lamp of Bert"]);
  });
});
