// A context of a remote server for one test, in the form in which test frameworks take fixtures. Loads nothing of
// crosswire/cpri: whoever has a remote server has loaded it.

import type { RemoteContext } from "../cpri/receiver/context.ts";

/** What `test.extend` of Vitest and Playwright takes. */
export type RemoteContextFixture<Context extends RemoteContext = RemoteContext> = (
  fixtures: object,
  use: (context: Context) => Promise<void>,
) => Promise<void>;

/**
 * A fixture that gives each test a context of `remote`, ended when the test is over: tests that run at once share one
 * application, and each has its own handlers. Starts the receiver if it is not started.
 *
 * @example
 * const test = base.extend({ network: remoteContextFixture(remote) })
 * test.concurrent("…", async ({ network }) => {
 *   await network.use(http.get("https://prices.example.com/*", () => HttpResponse.json({ amount: 7 })))
 *   await fetch("http://localhost:3000/", { headers: network.headers })
 * })
 */
export function remoteContextFixture<Context extends RemoteContext>(remote: {
  /** As `setupRemoteServer()` has it, that of crosswire/cpri or of crosswire/msw. */
  context(): Context;
}): RemoteContextFixture<Context> {
  // oxlint-disable-next-line no-empty-pattern -- both frameworks read the parameter list and refuse any other form.
  return async ({}, use) => {
    const context = remote.context();
    try {
      // No handler, but the receiver is started: its own ones answer a test that adds none.
      await context.use();
      await use(context);
    } finally {
      await context.end();
    }
  };
}
