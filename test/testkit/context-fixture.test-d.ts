// The fixture's type: what both test frameworks take, and with the context that the receiver at hand has.

import { http as mswHttp, HttpResponse as MswHttpResponse } from "msw";
import { type RemoteContext, setupRemoteServer } from "crosswire/cpri";
import * as msw from "crosswire/msw";
import { type RemoteContextFixture, remoteContextFixture } from "crosswire/testkit";
import { expectTypeOf, test, test as base } from "vitest";

/** As Playwright declares what `test.extend` takes. */
type PlaywrightFixture<Value, Fixtures extends object> = (
  fixtures: Fixtures,
  use: (value: Value) => Promise<void>,
  testInfo: { readonly title: string },
) => unknown;

test("the fixture is one of Vitest and of Playwright", () => {
  const fixture = remoteContextFixture(setupRemoteServer());
  expectTypeOf(fixture).toEqualTypeOf<RemoteContextFixture>();
  expectTypeOf(fixture).toExtend<PlaywrightFixture<RemoteContext, { readonly page: object }>>();
  const extended = base.extend<{ network: RemoteContext }>({ network: fixture });
  expectTypeOf(extended).toBeFunction();
  // @ts-expect-error -- a context is needed, not any object
  remoteContextFixture({ context: () => ({}) });
});

test("the contexts of crosswire/msw take handlers of MSW", () => {
  const use = remoteContextFixture(msw.setupRemoteServer());
  const handler = mswHttp.get("https://example.com/", () => MswHttpResponse.text("hello"));
  void ((): Promise<void> => use({}, (context) => context.use(handler)));
  const plain = remoteContextFixture(setupRemoteServer());
  // @ts-expect-error -- those of crosswire/cpri do not
  void ((): Promise<void> => plain({}, (context) => context.use(handler)));
});
