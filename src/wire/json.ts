// JSON with a bound on nesting, and errors that name the place.

import { CrosswireError } from "../errors.ts";

/** The value of `text`; empty text is undefined. Throws XW_FRAME or XW_LIMIT, before any handler sees it. */
export function parseJson(text: string, maxDepth: number): unknown {
  if (text === "") return undefined;
  const value = parse(text);
  // Each level takes two characters, so a short text cannot be deep.
  if (text.length > 2 * maxDepth && isDeeperThan(value, maxDepth)) {
    throw new CrosswireError(
      "XW_LIMIT",
      `JSON nests deeper than limits.maxDepth (${maxDepth}); send flatter data or raise the limit.`,
    );
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CrosswireError(
      "XW_FRAME",
      `The data of a frame is not JSON (${text.length} characters): ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/**
 * HOT: benchmarks/run.ts, rows k10 and m1. A look over the parsed value costs a twentieth of the parsing; a scan
 * of the text before it would cost a third. JSON.parse itself does not recurse, so depth is harmless to it.
 */
function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((item) => isDeeperThan(item, levels - 1));
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object" && isDeeperThan(item, levels - 1)) return true;
  }
  return false;
}

/** `value` as JSON, `""` for undefined. Throws XW_ENCODE naming the property that cannot be written. */
export function stringifyJson(value: unknown): string {
  if (value === undefined) return "";
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw unencodable(findFault(value, "", []), error);
  }
  if (text === undefined) throw unencodable({ path: "", what: `a ${typeof value}` });
  return text;
}

interface Fault {
  /** `.user.tags[3]`, or "" for the value itself. */
  readonly path: string;
  readonly what: string;
}

export function unencodable(fault: Fault, cause?: unknown): CrosswireError {
  const place = fault.path === "" ? "The value itself" : `The property ${quotedPath(fault.path)}`;
  return new CrosswireError(
    "XW_ENCODE",
    `${place} is ${fault.what}, which JSON cannot carry. Convert it, or define the path with { codec: "rich" } if it is a type that codec knows.`,
    { detail: { property: fault.path }, ...(cause === undefined ? {} : { cause }) },
  );
}

function quotedPath(path: string): string {
  return JSON.stringify(path.startsWith(".") ? path.slice(1) : path);
}

/** Walks only after JSON.stringify failed, so its cost never falls on good values. */
function findFault(value: unknown, path: string, above: readonly object[]): Fault {
  return search(value, path, above) ?? { path, what: "a value whose toJSON or getter throws" };
}

function search(value: unknown, path: string, above: readonly object[]): Fault | undefined {
  if (typeof value === "bigint") return { path, what: "a BigInt" };
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return { path, what: "a reference back to one of its parents" };
  if (above.length > 1_000) return { path, what: "nested too deeply" };
  const inside = [...above, value];
  for (const key of Object.keys(value)) {
    const place = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    try {
      const fault = search((value as Record<string, unknown>)[key], place, inside);
      if (fault !== undefined) return fault;
    } catch (error) {
      return { path: place, what: `a getter that throws (${String(error)})` };
    }
  }
  return undefined;
}
