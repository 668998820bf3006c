// A runner for one test, in the form in which test frameworks take fixtures.

import { createRunner, type Runner, type RunnerOptions } from "./runner.ts";

/** What `test.extend` of Vitest and Playwright takes. */
export type RunnerFixture = (
  fixtures: object,
  use: (runner: Runner) => Promise<void>,
) => Promise<void>;

/**
 * A fixture that gives each test a runner of its own, closed when the test is over.
 *
 * @example
 * const test = base.extend<{ runner: Runner }>({ runner: runnerFixture() })
 * test("…", async ({ runner }) => { const users = await runner.start(…) })
 */
export function runnerFixture(options: RunnerOptions = {}): RunnerFixture {
  // oxlint-disable-next-line no-empty-pattern -- both frameworks read the parameter list and refuse any other form.
  return async ({}, use) => {
    const runner = await createRunner(options);
    try {
      await use(runner);
    } finally {
      await runner.close();
    }
  };
}
