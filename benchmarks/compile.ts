// Compiles what the measured processes run, as the published package is compiled: by tsc.
//
// tsx is for the runner only. It preserves function names by wrapping every named closure in
// Object.defineProperty, 0.3 µs each time one is created, and it does so in TypeScript only: it
// would tax our code and the floor, and spare the libraries.

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUTPUT = fileURLToPath(new URL("./.compiled/", import.meta.url));
const TSC = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

const OPTIONS = [
  ["--ignoreConfig", "--noCheck", "--rewriteRelativeImportExtensions", "--verbatimModuleSyntax"],
  ["--module", "nodenext", "--target", "es2022"],
  ["--rootDir", ROOT, "--outDir", OUTPUT],
].flat();

/** The folder that mirrors the repository, with `.js` files for the entries and their imports. */
export function compile(entries: readonly string[]): URL {
  rmSync(OUTPUT, { recursive: true, force: true });
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...OPTIONS, ...entries], {
    cwd: ROOT,
    encoding: "utf8",
  });
  if (status !== 0) process.stderr.write(`tsc exited with ${status}:\n${stdout}\n`);
  return new URL("./.compiled/", import.meta.url);
}
