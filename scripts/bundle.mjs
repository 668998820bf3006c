// Joins the modules that tsc has made, so that an entry point loads a few files and not a hundred: to find and read a
// module costs Node more than to run it (docs/decisions/0021). What several entry points share is in chunks of its own,
// so there is one of everything. The declarations stay as they are. It touches nothing but dist.

import { build } from "esbuild";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join, normalize } from "node:path";

const { exports, bin } = JSON.parse(readFileSync("package.json", "utf8"));
const entryPoints = [
  ...Object.values(exports).flatMap((entry) => entry.default ?? []),
  ...Object.values(bin),
];

const { metafile } = await build({
  entryPoints,
  outdir: "dist",
  outbase: "dist",
  chunkNames: "chunks/[name]-[hash]",
  allowOverwrite: true,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  treeShaking: false,
  sourcemap: true,
  // They are in the package.
  sourcesContent: false,
  metafile: true,
});

const made = new Set(Object.keys(metafile.outputs).map((file) => normalize(file)));
for (const name of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
  const file = join("dist", name);
  if (/\.js(\.map)?$/.test(name) && !made.has(file)) rmSync(file);
}
