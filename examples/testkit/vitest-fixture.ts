// A test file for Vitest in which each test gets a runner of its own. With Playwright only the first import differs.

// #region fixture
import { expect, test as base } from "vitest";
import { type Runner, runnerFixture } from "crosswire/testkit";
import { countWords } from "./commands.ts";

const test = base.extend<{ runner: Runner }>({ runner: runnerFixture() });

test("the shop counts words", async ({ runner }) => {
  const script = new URL("worker.ts", import.meta.url);
  const shop = await runner.start({ runtimeId: "shop", script, kind: "thread" });
  expect(await shop.request(countWords, "to be or not to be")).toBe(6);
});
// #endregion
