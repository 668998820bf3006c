// The same imports, for less, where Node does more than is needed (docs/decisions/0021). What is imported stays the same,
// and bundlers understand it.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const SHIMS = "dependencies";
const IMPORT = /^import (?:\* as (\w+)|(\w+)?(?:, )?(?:\{([^}]*)\})?) from "([\w:/-]+)";$/gm;
const LAZY_IMPORT = /\bimport\("([\w-]+)"\)/g;

/** A plugin that changes the imports of Node's own modules, and of the packages with these names. */
export function cheapImports(dependencies) {
  return {
    name: "cheap-imports",
    renderChunk: (code, { fileName }) => ({
      code: code
        .replaceAll(IMPORT, (statement, all, main, names, id) => {
          const imported = { main: all ?? main, names };
          if (id.startsWith("node:")) return fromNode(id, imported);
          return dependencies.includes(id) ? fromShim(id, imported, fileName) : statement;
        })
        .replaceAll(LAZY_IMPORT, (expression, id) =>
          dependencies.includes(id)
            ? `import("${shimOf(id, fileName)}").then(({ default: all }) => all)`
            : expression,
        ),
      // Line by line it is the same.
      map: null,
    }),
  };
}

/**
 * To import a module of CommonJS, Node first searches all of its text for what it may export, with code that is cold
 * at that moment: of ws, that takes as long as running it. In a file of this size there is nothing to search.
 */
export function writeShims(directory, dependencies) {
  mkdirSync(join(directory, SHIMS));
  for (const id of dependencies) {
    const text = `const dependency = require("${id}");\nmodule.exports = dependency;\n`;
    writeFileSync(join(directory, SHIMS, `${id}.cjs`), text);
  }
}

/** An import would make a facade that reads each export: of node:fs, that loads all of its streams. */
function fromNode(id, { main, names }) {
  const whole = `process.getBuiltinModule("${id}")`;
  const lines = main === undefined ? [] : [`const ${main} = ${whole};`];
  return [...lines, ...destructured(names, whole)].join(" ");
}

function fromShim(id, { main, names }, fileName) {
  const whole = main ?? `${id.replaceAll(/\W/g, "_")}_module`;
  const imported = `import ${whole} from "${shimOf(id, fileName)}";`;
  return [imported, ...destructured(names, whole)].join(" ");
}

function destructured(names, whole) {
  const isEmpty = names === undefined || names.trim() === "";
  return isEmpty ? [] : [`const {${names.replaceAll(" as ", ": ")}} = ${whole};`];
}

function shimOf(id, fileName) {
  return relative(dirname(fileName), `${SHIMS}/${id}.cjs`).replace(/^(?!\.)/, "./");
}
