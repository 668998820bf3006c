// `crosswire proxy --print-port`: ports for scripts, checked to be free, and known to the proxy that runs already.

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { loadMicrofrontends } from "crosswire/http";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../fixtures/wait.ts";
import { echoOf, openApp } from "../proxy/apps.ts";
import { runCommand, startProxy } from "../proxy/command.ts";
import { ask, unusedPort, writeConfig } from "../proxy/world.ts";

/** Takes the port unless somebody has it already: then it is taken, too. */
async function take(port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy()).listen(port, "127.0.0.1");
  onTestFinished(() => void server.close());
  await Promise.race([until(server, "listening"), until(server, "error")]);
}

test("prints the port that the file names, and nothing else", async () => {
  const local = await unusedPort();
  const file = writeConfig({ applications: { web: { development: { local } } } });
  expect(await runCommand(["proxy", "--print-port", "web", "--config", file])).toEqual({
    code: 0,
    stdout: `${local}\n`,
    stderr: "",
  });
});

test("says by whom a port that the file names is taken", async () => {
  const holder = await openApp("holder");
  const file = writeConfig({ applications: { web: { development: { local: holder.port } } } });
  const { code, stdout, stderr } = await runCommand(["proxy", "--print-port", "web"], {
    cwd: dirname(file),
  });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(
    new RegExp(
      `^crosswire: microfrontends\\.json:5:18: "web" is to listen on port ${holder.port}, but something listens on 127\\.0\\.0\\.1:${holder.port} already`,
    ),
  );
});

test("gives another port where the generated one is taken, and the running proxy finds it there", async () => {
  const name = `generated-${process.pid}`;
  const file = writeConfig({ applications: { [name]: {} } });
  const { port: generated } = loadMicrofrontends(file).apps[0]!.local;
  const running = await startProxy([file]);
  await take(generated);
  const options = { cwd: dirname(file) };
  const { code, stdout } = await runCommand(["proxy", "--print-port", name], options);
  const port = Number(stdout);
  expect(code).toBe(0);
  expect(port).toBeGreaterThan(generated);
  await openApp("found", { port });
  // What the proxy knows may be a tenth of a second old.
  const found = async (): Promise<boolean> => {
    const answer = await ask(running.url);
    return answer.status === 200 && echoOf(answer).app === "found";
  };
  while (!(await found()));
  const again = await runCommand(["proxy", "--print-port", name], options);
  expect(Number(again.stdout)).not.toBe(port);
});

test("prints the port of the package in the working directory", async () => {
  const local = await unusedPort();
  const root = dirname(
    writeConfig({
      applications: { web: { packageName: "@shop/web", development: { local } } },
    }),
  );
  const source = join(root, "apps/web/src");
  mkdirSync(source, { recursive: true });
  writeFileSync(join(root, "apps/web/package.json"), JSON.stringify({ name: "@shop/web" }));
  expect((await runCommand(["proxy", "--print-port"], { cwd: source })).stdout).toBe(`${local}\n`);
});

test("refuses what it cannot know with code 2", async () => {
  const file = writeConfig({ applications: { web: {} } });
  const cwd = dirname(file);
  const [unknown, packageless, many] = await Promise.all([
    runCommand(["proxy", "--print-port", "shop"], { cwd }),
    runCommand(["proxy", "--print-port"], { cwd }),
    runCommand(["proxy", "--print-port", "web", "docs"], { cwd }),
  ]);
  expect(unknown).toMatchObject({
    code: 2,
    stderr: 'crosswire: microfrontends.json has no application "shop"; it has web.\n',
  });
  expect([packageless.code, packageless.stderr]).toEqual([
    2,
    expect.stringMatching(
      /^crosswire: (There is no package\.json|The package ".*" is no application)/,
    ),
  ]);
  expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("the name of one")]);
});
