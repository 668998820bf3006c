// A chaos proxy as a fixture of Vitest or Playwright. Depends on neither.

import { type ChaosOptions, type ChaosProxy, createChaosProxy } from "./chaos-proxy.ts";
import type { ChaosTarget } from "./target.ts";

/** What `test.extend` of Vitest and Playwright takes. */
export type ChaosProxyFixture = (
  context: object,
  use: (proxy: ChaosProxy) => Promise<void>,
) => Promise<void>;

/**
 * A bad network before `target` for each test that asks for it, closed when the test is over.
 *
 * @example
 * const test = base.extend({ network: chaosProxyFixture(5432) });
 * test("waits for a slow database", async ({ network }) => { network.faults = { latencyMs: 500 }; … });
 */
export function chaosProxyFixture(
  target: ChaosTarget,
  options: ChaosOptions = {},
): ChaosProxyFixture {
  // Both frameworks read the text of this function: its first parameter must be an object pattern.
  // oxlint-disable-next-line no-empty-pattern -- as the line before says.
  return async ({}, use) => {
    const proxy = await createChaosProxy(target, options);
    try {
      await use(proxy);
    } finally {
      await proxy.close();
    }
  };
}
