// The command of the package, as npm installs it: from the sources here, and as it was built in the other run.

import { expect, test } from "vitest";
import { echoOf, openApp } from "../proxy/apps.ts";
import { runCommand, startProxy } from "../proxy/command.ts";
import { ask, writeConfig } from "../proxy/world.ts";

test("the command tells its version", async () => {
  const { code, stdout, stderr } = await runCommand(["--version"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("the command runs a proxy until it is told to stop", async () => {
  const app = await openApp("app");
  const file = writeConfig({ applications: { web: { development: { local: app.port } } } });
  const { url, lines, process: child, finished } = await startProxy([file]);
  expect(echoOf(await ask(`${url}/x`)).app).toBe("app");
  expect(await lines.next()).toContain("GET /x 200");
  child.kill("SIGTERM");
  expect(await finished).toMatchObject({ code: 0, stderr: "" });
});

test("the command explains its routes", async () => {
  const file = writeConfig({
    applications: { web: {}, docs: { routing: [{ paths: ["/docs"] }] } },
  });
  const { code, stdout } = await runCommand(["routes", "explain", "/docs", file]);
  expect([code, stdout.split("\n")[0]]).toEqual([
    0,
    expect.stringMatching(/^\/docs goes to docs \(port \d+\)$/),
  ]);
});
