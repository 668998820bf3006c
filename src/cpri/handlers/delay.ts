// Lets an answer wait. Fake timers of a test do not hold it.

import { nodeClock } from "../../node/node-clock.ts";

/** What MSW takes for realistic in Node: there is no network in between. */
const REAL_MS = 5;
/** A longer one would fire at once. */
const MAX_DELAY_MS: number = 2 ** 31 - 1;

/**
 * Resolves after so many milliseconds, after those that are realistic, or never.
 *
 * @example
 * http.get("https://example.com/slow", async () => { await delay(1_000); return HttpResponse.text("late"); })
 */
export function delay(duration: number | "real" | "infinite" = "real"): Promise<void> {
  // No timer: what is never over must not keep the process alive.
  if (duration === "infinite") return new Promise(() => {});
  const ms = duration === "real" ? REAL_MS : duration;
  if (typeof ms !== "number" || !(ms >= 0 && ms <= MAX_DELAY_MS)) {
    throw new TypeError(
      `A delay is a number of milliseconds up to ${MAX_DELAY_MS}, "real" or "infinite"; not ${JSON.stringify(duration)}.`,
    );
  }
  return new Promise((resolve) => void nodeClock.setTimer(resolve, ms));
}
