// What a capture means for the life of its process.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";

test("a process lives while something is decided or answered, hears of its own mistakes, and ends by itself", async () => {
  const script = join(inject("compiled").src, "test/capture/children/alive.js");
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 10_000 });
  expect(stdout).toBe("fetch!\nhttp!\nthrown by the application\n");
});
