// Finds the microfrontends file and reads it from disk.

import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { CrosswireError } from "../../errors.ts";
import { type Microfrontends, parseMicrofrontends } from "./microfrontends.ts";

/** In the order in which @vercel/microfrontends prefers them. */
const FILE_NAMES = ["microfrontends.jsonc", "microfrontends.json"] as const;
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The microfrontends of a file, or of the nearest `microfrontends.json` or `.jsonc` from the working directory upwards.
 * `path` may also be the directory that has it.
 *
 * Throws XW_CONFIG that lists every problem with its line and column.
 *
 * @example
 * const microfrontends = loadMicrofrontends();
 * microfrontends.router.match("/docs/api").app.name; // "docs"
 */
export function loadMicrofrontends(path?: string): Microfrontends {
  if (path !== undefined && (typeof path !== "string" || path === ""))
    throw new TypeError("loadMicrofrontends takes the path of a file or directory, or nothing.");
  const file = path === undefined ? nearestFile(process.cwd()) : givenFile(resolve(path));
  return parseMicrofrontends(readText(file), realpathSync(file), shownPath(file));
}

function nearestFile(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = fileIn(directory);
    if (found !== undefined) return found;
    if (directory === dirname(directory)) break;
  }
  throw new CrosswireError(
    "XW_CONFIG",
    `There is no ${FILE_NAMES.join(" or ")} in ${start} or above it; give the path of the file.`,
  );
}

function givenFile(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return path;
  const found = fileIn(path);
  if (found !== undefined) return found;
  throw new CrosswireError("XW_CONFIG", `There is no ${FILE_NAMES.join(" or ")} in ${path}.`);
}

function fileIn(directory: string): string | undefined {
  return FILE_NAMES.map((name) => join(directory, name)).find(
    (file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true,
  );
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size <= MAX_FILE_BYTES) return readFileSync(file, "utf8");
  } catch (error) {
    const { message } = error as Error;
    throw new CrosswireError("XW_CONFIG", `${file} cannot be read: ${message}.`, { cause: error });
  }
  throw new CrosswireError(
    "XW_CONFIG",
    `${file} is larger than ${MAX_FILE_BYTES} bytes, so it is hardly a microfrontends file.`,
  );
}

function shownPath(file: string): string {
  const shown = relative(process.cwd(), file);
  return shown.startsWith("..") ? file : shown;
}
