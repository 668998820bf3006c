// Joins the modules that tsc has made, so that an entry point loads a few files and not a hundred: to find and read a
// module costs Node more than to run it (docs/decisions/0021). What several entry points share is in chunks of its own,
// so there is one of everything. The declarations stay as they are. It touches nothing but dist.

import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { build } from "rolldown";
import { cheapImports, writeShims } from "./cheap-imports.mjs";

const DIST = resolve("dist");
/** Loaded by every process of an application under test: what it needs comes in as few files as can be. */
const PRELOADED = join(DIST, "cpri/register.js");
/** Of that, what only those need who catch. The rest is what everything stands on. */
const CATCHING = ["exchange", "capture", "cpri"];

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const dependencies = Object.keys(manifest.dependencies);
const entryPoints = [
  ...Object.values(manifest.exports).flatMap((entry) => entry.default ?? []),
  ...Object.values(manifest.bin),
].map((file) => relative(DIST, file));

const preloaded = new Set();

/** Helpers of the bundler, of which nothing here needs any. */
const RUNTIME = "rolldown-runtime";
const RUNTIME_IMPORT = new RegExp(`^import "[./]*(?:chunks/)?${RUNTIME}-.*";$`, "m");

const { output } = await build({
  input: Object.fromEntries(
    entryPoints.map((file) => [file.replace(/\.js$/, ""), join(DIST, file)]),
  ),
  platform: "node",
  external: (id) => !/^[./]/.test(id),
  // Nothing of ours is taken for dead.
  treeshake: false,
  preserveEntrySignatures: "allow-extension",
  plugins: [
    {
      name: "crosswire",
      load: (id) => ({
        code: readFileSync(id, "utf8"),
        map: readFileSync(`${id}.map`, "utf8"),
      }),
      buildEnd() {
        collect(PRELOADED, (id) => this.getModuleInfo(id).importedIds);
      },
      renderChunk: (code) => ({ code: code.replace(RUNTIME_IMPORT, ""), map: null }),
    },
    cheapImports(dependencies),
  ],
  output: {
    dir: DIST,
    format: "es",
    sourcemap: true,
    minify: false,
    // Who reads them reads the sources.
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ debugName: "preloaded", name: groupOf }],
    },
  },
});

writeShims(DIST, dependencies);

const made = new Set(
  output
    .map(({ fileName }) => fileName)
    .filter((fileName) => !fileName.includes(RUNTIME))
    .flatMap((fileName) => [fileName, `${fileName}.map`]),
);
for (const name of readdirSync(DIST, { recursive: true, encoding: "utf8" })) {
  if (/\.js(\.map)?$/.test(name) && !made.has(name)) rmSync(join(DIST, name));
}

function collect(id, importsOf) {
  if (preloaded.has(id) || !id.startsWith(DIST)) return;
  preloaded.add(id);
  for (const imported of importsOf(id)) collect(imported, importsOf);
}

function groupOf(id) {
  if (!preloaded.has(id) || id === PRELOADED) return null;
  const [layer] = relative(DIST, id).split(sep);
  return CATCHING.includes(layer) ? "catching" : "common";
}
