// What `npm run torture` shows at full size, small: real processes, killed and stopped, and many watchers.

import { expect, test } from "vitest";
import { churn } from "../../torture/churn.ts";
import type { Figure } from "../../torture/figures.ts";
import { killLeaders } from "../../torture/kill-leaders.ts";
import { leaveGracefully } from "../../torture/leave-gracefully.ts";
import { freePort } from "./fixtures/member-port.ts";

/** Seventy processes start, on a machine that may be busy. */
const LONG_MS = 120_000;

/** Speeds are for the full run: a test must not fail because the machine is busy. */
function broken(figures: readonly Figure[]): Figure[] {
  return figures.filter(({ kind, isMet }) => kind === "promise" && !isMet);
}

test(
  "20 processes whose leader is killed 20 times never have two, and lose no registration",
  async () => {
    const figures = await killLeaders({ port: await freePort(), processes: 20, kills: 20 });
    expect(figures.length).toBeGreaterThan(2);
    expect(broken(figures)).toEqual([]);
  },
  LONG_MS,
);

test(
  "no lookup fails while leaders are asked to end, one after the other",
  async () => {
    const figures = await leaveGracefully({ port: await freePort(), leaves: 2, pauseMs: 250 });
    expect(figures.length).toBeGreaterThan(0);
    expect(broken(figures)).toEqual([]);
  },
  LONG_MS,
);

test("40 watchers see services go and come back 1,000 times, in order", async () => {
  const figures = await churn({ services: 200, watchers: 40, changes: 1_000 });
  expect(broken(figures)).toEqual([]);
  expect(figures.length).toBeGreaterThan(0);
});
