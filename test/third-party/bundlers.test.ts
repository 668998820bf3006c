// A server that is bundled, with this package and all that it depends on, and runs where nothing is installed.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build as buildWithEsbuild } from "esbuild";
import { build as buildWithRolldown } from "rolldown";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);

const APP = `
import { IPCClient, IPCServer } from "crosswire";
import { http, HttpResponse, setupRemoteServer, setupServer } from "crosswire/cpri";
const add = IPCServer.defineMessage("sum/add");
const server = new IPCServer(0);
server.onMessage(add, () => {});
await server.start();
await server.close();
const remote = setupRemoteServer(http.get("http://nowhere.invalid/", () => HttpResponse.text("answered")));
await remote.listen({ name: "bundled" });
const app = setupServer({ remote: { enable: true, name: "bundled" } });
app.listen();
console.log(await (await fetch("http://nowhere.invalid/")).text(), typeof IPCClient);
await app.close();
await remote.close();
`;

test("esbuild makes one file of a server", async () => {
  const { entry, output } = folder();
  const outfile = join(output, "app.mjs");
  await buildWithEsbuild({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "silent",
    // What esbuild asks for where modules of CommonJS are bundled into one of ESM.
    banner: {
      js: `import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);`,
    },
  });
  expect(await outputOf(outfile)).toBe("answered function\n");
});

test("rolldown makes a few files of a server", async () => {
  const { entry, output } = folder();
  await buildWithRolldown({
    input: entry,
    platform: "node",
    output: { dir: output, entryFileNames: "app.mjs" },
  });
  expect(await outputOf(join(output, "app.mjs"))).toBe("answered function\n");
});

/** A project whose only dependency is the built package, and a folder far from it. */
function folder(): { entry: string; output: string } {
  const project = mkdtempSync(join(tmpdir(), "crosswire-bundled-"));
  const output = mkdtempSync(join(tmpdir(), "crosswire-bundle-"));
  onTestFinished(() => {
    for (const path of [project, output]) rmSync(path, { recursive: true });
  });
  mkdirSync(join(project, "node_modules"));
  symlinkSync(process.cwd(), join(project, "node_modules", "crosswire"), "junction");
  const entry = join(project, "app.mjs");
  writeFileSync(entry, APP);
  return { entry, output };
}

async function outputOf(file: string): Promise<string> {
  const { stdout } = await run(process.execPath, [file], { timeout: 15_000 });
  return stdout;
}
