// A context for each test of Playwright, which its browser carries as a cookie.

// #region fixture
import { test as base } from "@playwright/test";
import { setupRemoteServer } from "crosswire/cpri";

const remote = setupRemoteServer();

export const test = base.extend({
  network: async ({ context, baseURL }, use) => {
    const network = remote.context();
    await context.addCookies([{ ...network.cookie, url: baseURL }]);
    await use(network);
    await network.end();
  },
});
// #endregion
