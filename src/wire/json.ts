// JSON with a bound on nesting, and errors that name the place.

import { CrosswireError } from "../errors.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;

/** The value of `text`; empty text is undefined. Rejects with XW_FRAME or XW_LIMIT, before any handler sees it. */
export function parseJson(text: string, maxDepth: number): unknown {
  if (text === "") return undefined;
  // Valid JSON spends two characters on each level, so short texts need no look.
  if (text.length > 2 * maxDepth && isDeeperThan(text, maxDepth)) {
    throw new CrosswireError(
      "XW_LIMIT",
      `JSON nests deeper than limits.maxDepth (${maxDepth}); send flatter data or raise the limit.`,
    );
  }
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

/** HOT: benchmarks/run.ts, rows k10 and m1. Jumps over strings natively and looks only at what is between them. */
function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === QUOTE) {
      i = stringEnd(text, i);
      if (i === -1) return false; // Unterminated: JSON.parse will say so better.
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++depth > maxDepth) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      depth--;
    }
  }
  return false;
}

/** The index of the quote that closes the string opened at `start`, or -1. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && text.charCodeAt(end - 1) === BACKSLASH && isEscaped(text, end)) {
    end = text.indexOf('"', end + 1);
  }
  return end;
}

/** A quote is escaped when an odd number of backslashes stands before it. */
function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
  return backslashes % 2 === 1;
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
