// Runs fixtures as the test runner of Playwright does: each is called with what its parameter names, and with `use`,
// which resolves when the test is over.

import type { RemoteContext } from "crosswire/cpri";
import type { BrowserContext } from "playwright-core";

/** What the test runner itself has. */
interface Given {
  readonly context: BrowserContext;
  readonly baseURL: string;
}

type Values = Readonly<Record<string, unknown>>;
export type Fixtures = Readonly<
  Record<string, (values: Values, use: (value: unknown) => Promise<void>) => Promise<void>>
>;

/** In the order in which they are written down, so each has what it names. */
export async function runWithFixtures(
  fixtures: Fixtures,
  given: Given,
  test: (values: Given & { readonly network: RemoteContext }) => Promise<void>,
): Promise<void> {
  const wrapped = Object.entries(fixtures).reduceRight(
    (run, [name, fixture]) =>
      (values: Values): Promise<void> =>
        fixture(named(fixture, values), (value) => run({ ...values, [name]: value })),
    test as unknown as (values: Values) => Promise<void>,
  );
  await wrapped({ ...given });
}

/** Playwright reads the text of a fixture, and refuses a first parameter that is no object pattern. */
function named(fixture: Fixtures[string], values: Values): Values {
  const [, pattern] = /^async \(\{([^}]*)\}/.exec(String(fixture)) ?? [];
  if (pattern === undefined) throw new TypeError(`This is no fixture: ${String(fixture)}`);
  const names = pattern.split(",").map((name) => name.trim());
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}
