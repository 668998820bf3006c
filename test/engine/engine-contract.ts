// What every proxy engine promises, as a suite to run over each of them. What one is known not to keep is listed by
// its title, with the reason: such a test is run, is expected to fail, and fails the suite as soon as it passes.

import { describe, expect, test } from "vitest";
import { within } from "../fixtures/wait.ts";
import { type Contract, type MakeEngine, openProxyFront } from "./proxy-front.ts";
import { describeAborts } from "./sections/aborts.ts";
import { describeBodies } from "./sections/bodies.ts";
import { describeClosing } from "./sections/closing.ts";
import { describeFailures } from "./sections/failures.ts";
import { describeFields } from "./sections/fields.ts";
import { describeForwardOptions } from "./sections/forward-options.ts";
import { describeInterim } from "./sections/interim.ts";
import { describeMalformed } from "./sections/malformed.ts";
import { describePaths } from "./sections/paths.ts";
import { describePressure } from "./sections/pressure.ts";
import { describeReuse } from "./sections/reuse.ts";
import { describeTargets } from "./sections/targets.ts";
import { describeTimeouts } from "./sections/timeouts.ts";
import { describeTunnelEnds } from "./sections/tunnel-ends.ts";
import { describeTunnels } from "./sections/tunnels.ts";
import { describeUpgrades } from "./sections/upgrades.ts";

/** Starts the reason of a failure that would take the test process with it, and so is not run. */
export const NOT_RUN = "not run: ";

const SECTIONS = {
  fields: describeFields,
  paths: describePaths,
  bodies: describeBodies,
  "interim responses": describeInterim,
  "what is malformed": describeMalformed,
  "connections are reused": describeReuse,
  pressure: describePressure,
  aborts: describeAborts,
  failures: describeFailures,
  timeouts: describeTimeouts,
  targets: describeTargets,
  "options of one exchange": describeForwardOptions,
  upgrades: describeUpgrades,
  tunnels: describeTunnels,
  "ends of tunnels": describeTunnelEnds,
  closing: describeClosing,
};

const BOUND_MS = 15_000;
/** A known failure is often a hang. */
const KNOWN_FAILURE_BOUND_MS = 75;

export function engineContract(
  name: string,
  make: MakeEngine,
  knownFailures: Readonly<Record<string, string>> = {},
): void {
  const titles = new Set<string>();
  const open: Contract["open"] = (to, options) => openProxyFront(make, to, options);
  const contract = (section: string): Contract => ({
    open,
    behaviour: (title, run) => {
      const known = `${section}: ${title}`;
      titles.add(known);
      declare(title, run, knownFailures[known]);
    },
  });
  describe(`${name},`, () => {
    for (const [section, describeSection] of Object.entries(SECTIONS)) {
      describe(`${section}:`, () => {
        describeSection(contract(section));
      });
    }
    test("what is listed as a known failure is a behaviour of this suite", () => {
      expect(Object.keys(knownFailures).filter((title) => !titles.has(title))).toEqual([]);
    });
  });
}

function declare(title: string, run: () => Promise<unknown>, failure: string | undefined): void {
  // It would end this process; whoever lists it so shows it in another one.
  if (failure?.startsWith(NOT_RUN) === true) return;
  const boundMs = failure === undefined ? BOUND_MS : KNOWN_FAILURE_BOUND_MS;
  test(
    `${title}${failure === undefined ? "" : ` (known failure: ${failure})`}`,
    { fails: failure !== undefined },
    () => within(run(), "the end of the test", boundMs),
  );
}
