// The settings of a preloaded sender, from the environment of its process. What makes no sense is refused loudly.

import type { SenderOptions, WhenUnattached } from "./sender.ts";

const WHEN_UNATTACHED: readonly string[] = ["passthrough", "error"] satisfies WhenUnattached[];

export function senderOptionsFrom(env: NodeJS.ProcessEnv): SenderOptions {
  const { CROSSWIRE_WHEN_UNATTACHED: whenUnattached, CROSSWIRE_HOLD_MS: holdMs } = env;
  if (whenUnattached !== undefined && !WHEN_UNATTACHED.includes(whenUnattached)) {
    throw new TypeError(
      `CROSSWIRE_WHEN_UNATTACHED is ${WHEN_UNATTACHED.join(" or ")}, not ${JSON.stringify(whenUnattached)}.`,
    );
  }
  if (holdMs !== undefined && !/^\d{1,9}$/.test(holdMs)) {
    throw new TypeError(
      `CROSSWIRE_HOLD_MS is a number of milliseconds, not ${JSON.stringify(holdMs)}.`,
    );
  }
  return {
    whenUnattached: whenUnattached as WhenUnattached | undefined,
    holdMs: holdMs === undefined ? undefined : Number(holdMs),
  };
}
