// Joins the modules that tsc has made, so that an entry point loads a few files and not a hundred: to find and read a
// module costs Node more than to run it (docs/decisions/0021). What several entry points share is in chunks of its own,
// so there is one of everything. The declarations stay as they are. It touches nothing but dist.

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { build } from "rolldown";

const DIST = resolve("dist");
/** Loaded by every process of an application under test: what it needs comes in as few files as can be. */
const PRELOADED = join(DIST, "cpri/register.js");
/** Where what the package depends on is imported from. */
const SHIMS = "dependencies";
/** Of that, what only those need who catch. The rest is what everything stands on. */
const CATCHING = ["exchange", "capture", "cpri"];

const { exports, bin, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const entryPoints = [
  ...Object.values(exports).flatMap((entry) => entry.default ?? []),
  ...Object.values(bin),
].map((file) => relative(DIST, file));

const preloaded = new Set();

/** Helpers of the bundler, of which nothing here needs any. */
const RUNTIME = "rolldown-runtime";
const RUNTIME_IMPORT = new RegExp(`^import "[./]*(?:chunks/)?${RUNTIME}-.*";$`, "m");
const IMPORT = /^import (?:\* as (\w+)|(\w+)?(?:, )?(?:\{([^}]*)\})?) from "([\w:/-]+)";$/gm;
const LAZY_IMPORT = /\bimport\("([\w-]+)"\)/g;

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
      renderChunk: (code, { fileName }) => ({
        code: code
          .replace(RUNTIME_IMPORT, "")
          .replaceAll(IMPORT, (...match) => cheapImport(match, fileName))
          .replaceAll(
            LAZY_IMPORT,
            (_, id) => `import("${shimOf(id, fileName)}").then(({ default: all }) => all)`,
          ),
        map: null,
      }),
    },
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

writeShims();

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

/** The same import of a package or of one of Node's own modules, for less. What is imported stays the same. */
function cheapImport([statement, all, main, names, id], fileName) {
  const isShimmed = id in dependencies;
  if (!isShimmed && !id.startsWith("node:")) return statement;
  // An import of one of Node's modules makes a facade that reads each export: of node:fs, that loads all streams.
  const whole = isShimmed ? (main ?? identifierOf(id)) : `process.getBuiltinModule("${id}")`;
  const parts = isShimmed ? [`import ${whole} from "${shimOf(id, fileName)}";`] : [];
  if (!isShimmed && (all ?? main)) parts.push(`const ${all ?? main} = ${whole};`);
  if (names?.trim()) parts.push(`const {${names.replaceAll(" as ", ": ")}} = ${whole};`);
  return parts.join(" ");
}

/**
 * To import a module of CommonJS, Node first searches all of its text for what it may export, with code that is cold
 * at that moment: of ws, that takes as long as running it. In a file of this size there is nothing to search.
 */
function writeShims() {
  mkdirSync(join(DIST, SHIMS));
  for (const id of Object.keys(dependencies)) {
    const text = `const dependency = require("${id}");\nmodule.exports = dependency;\n`;
    writeFileSync(join(DIST, SHIMS, `${id}.cjs`), text);
  }
}

function shimOf(id, fileName) {
  return relative(dirname(fileName), `${SHIMS}/${id}.cjs`).replace(/^(?!\.)/, "./");
}

function identifierOf(id) {
  return `${id.replaceAll(/\W/g, "_")}_module`;
}
