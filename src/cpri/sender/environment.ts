// The settings of a preloaded sender, from the environment of its process. What makes no sense is refused loudly.

import type { SenderOptions, WhenUnattached } from "./sender.ts";

const WHEN_UNATTACHED: readonly string[] = ["passthrough", "error"] satisfies WhenUnattached[];

export function senderOptionsFrom(env: NodeJS.ProcessEnv): SenderOptions {
  const { CROSSWIRE_WHEN_UNATTACHED: whenUnattached } = env;
  if (whenUnattached !== undefined && !WHEN_UNATTACHED.includes(whenUnattached)) {
    throw new TypeError(
      `CROSSWIRE_WHEN_UNATTACHED is ${WHEN_UNATTACHED.join(" or ")}, not ${JSON.stringify(whenUnattached)}.`,
    );
  }
  return {
    whenUnattached: whenUnattached as WhenUnattached | undefined,
    holdMs: millisecondsOf(env, "CROSSWIRE_HOLD_MS", 0),
    forwardContextTo: env["CROSSWIRE_FORWARD_CONTEXT_TO"]
      ?.split(/[\s,]+/)
      .filter((one) => one !== ""),
    decisionTimeoutMs: millisecondsOf(env, "CROSSWIRE_DECISION_TIMEOUT_MS", 1),
  };
}

function millisecondsOf(env: NodeJS.ProcessEnv, name: string, least: number): number | undefined {
  const { [name]: text } = env;
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
  const bound = least === 0 ? "" : ` from ${least} on`;
  throw new TypeError(`${name} is a number of milliseconds${bound}, not ${JSON.stringify(text)}.`);
}
