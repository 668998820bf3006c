// A server that is bundled, with this package and all that it depends on, and runs where nothing is installed.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
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

/** Run in processes of their own: what a bundler loads natively stays out of the one that runs the tests. */
const BUNDLERS = {
  esbuild: `
    import { build } from "esbuild";
    const [entry, outdir] = process.argv.slice(1);
    // What esbuild asks for where modules of CommonJS are bundled into one of ESM.
    const js = 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);';
    await build({ entryPoints: [entry], outdir, outExtension: { ".js": ".mjs" }, bundle: true, platform: "node",
      format: "esm", logLevel: "silent", banner: { js } });
  `,
  rolldown: `
    import { build } from "rolldown";
    const [input, dir] = process.argv.slice(1);
    await build({ input, platform: "node", output: { dir, entryFileNames: "[name].mjs" } });
  `,
};

test.each(Object.entries(BUNDLERS))(
  "a server that %s has bundled runs where nothing is installed",
  async (_, script) => {
    const { entry, output } = folder();
    const bundling = ["--input-type=module", "--eval", script, entry, output];
    await run(process.execPath, bundling, { timeout: 15_000 });
    expect(await outputOf(join(output, "app.mjs"))).toBe("answered function\n");
  },
);

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
