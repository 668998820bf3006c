// How scripts in TypeScript are run by a Node that does not read it: through tsx, where that is installed.

import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const IS_TYPESCRIPT = /\.[cm]?tsx?$/;
const LOADS_TYPESCRIPT = /tsx|strip-types|transform-types|ts-node/;

/** Whether Node runs this file neither by itself nor because its arguments make it. */
export function needsLoader(file: string, execArgv: readonly string[]): boolean {
  const features = process.features as { readonly typescript?: string | false };
  const isRead = Boolean(features.typescript) || LOADS_TYPESCRIPT.test(execArgv.join(" "));
  return IS_TYPESCRIPT.test(file) && !isRead;
}

/** What stands before the script on Node's command line. Throws TypeError when tsx cannot be found. */
export function loaderArguments(file: string, cwd: string): readonly string[] {
  return ["--import", pathToFileURL(resolveTsx("tsx", file, cwd)).href];
}

/**
 * The program of a thread that runs the file. In Node 20 a thread that is started with `--import tsx` does
 * not get it (tsx registers in the main thread only), so the thread registers it by itself.
 */
export function threadProgram(file: string, cwd: string): string {
  const forRequire = resolveTsx("tsx/cjs/api", file, cwd);
  // What require() finds is the CommonJS file; the one beside it knows where its loader is.
  const forImport = resolveTsx("tsx/esm/api", file, cwd).replace(/\.cjs$/, ".mjs");
  const load = file.endsWith(".cts")
    ? `require(${JSON.stringify(file)})`
    : `import(${JSON.stringify(pathToFileURL(file).href)})`;
  return `
    process.argv[1] = ${JSON.stringify(file)};
    require(${JSON.stringify(forRequire)}).register();
    import(${JSON.stringify(pathToFileURL(forImport).href)}).then(({ register }) => {
      register();
      return ${load};
    });`;
}

function resolveTsx(specifier: string, file: string, cwd: string): string {
  for (const from of [join(cwd, "from-here"), file]) {
    try {
      return createRequire(from).resolve(specifier);
    } catch {
      // Not installed there; the next place may have it.
    }
  }
  throw new TypeError(
    `${file} is TypeScript, which Node ${process.version} does not run, and tsx is found neither from ${cwd} nor from the script. ` +
      `Install tsx, give execArgv that load TypeScript, or start a compiled script.`,
  );
}
