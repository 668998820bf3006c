// Turns "./x.ts" into "./x.js" in the emitted declarations: tsc rewrites these specifiers in the
// code but leaves them in .d.ts files (https://github.com/microsoft/TypeScript/issues/61037), and
// some editors do not resolve them. It touches nothing but dist.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RELATIVE_TS_SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)(["'])(\.\.?\/[^"']*)\.ts\2/g;

for (const name of readdirSync("dist", { recursive: true, encoding: "utf8" })) {
  if (!name.endsWith(".d.ts")) continue;
  const file = join("dist", name);
  const text = readFileSync(file, "utf8");
  const fixed = text.replace(RELATIVE_TS_SPECIFIER, "$1$2$3.js$2");
  if (fixed !== text) writeFileSync(file, fixed);
}
