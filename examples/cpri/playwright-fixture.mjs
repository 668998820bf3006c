// A context for each test of Playwright, which its browser carries as a cookie.

// #region fixture
import { test as base } from "@playwright/test";
import { setupRemoteServer } from "crosswire/cpri";
import { remoteContextFixture } from "crosswire/testkit";

export const remote = setupRemoteServer();

export const test = base.extend({
  network: remoteContextFixture(remote),
  // The browser of each test, with the cookie for the application.
  context: async ({ context, network, baseURL }, use) => {
    await context.addCookies([{ ...network.cookie, url: baseURL }]);
    await use(context);
  },
});
// #endregion
