// Reads the path patterns of Turborepo and of @vercel/microfrontends (path-to-regexp 6) into steps, once, at load.
// What cannot be honoured exactly is refused with what to write instead: a pattern never means something else here.

import { type Piece, keyOf } from "./piece.ts";
import { parseSegment, refused, type Segment } from "./pattern-segment.ts";

/** One segment of a path, or with `isMany` any number of them, none included. */
export interface Step {
  readonly piece: Piece;
  readonly isMany: boolean;
}

/** One of the forms that a pattern stands for: `/user/:id?` is `/user` and `/user/:id`. */
export interface Variant {
  readonly steps: readonly Step[];
  /** Only a path that ends with a slash matches: what `/app/((?!x).*)` has in place of its group is empty there. */
  readonly needsSlash: boolean;
  /** Equal for variants that match the same paths, whatever their parameters are called. */
  readonly key: string;
}

export interface PathPattern {
  readonly text: string;
  readonly variants: readonly Variant[];
}

const ANY: Piece = { kind: "any" };
const REST: Step = { piece: ANY, isMany: true };

/** Throws XW_CONFIG with what is wrong and what to write instead. */
export function parsePattern(text: string): PathPattern {
  if (!text.startsWith("/")) {
    throw refused(
      text,
      'does not begin with "/"',
      `write "/${text.startsWith(":") ? text : "docs"}"`,
    );
  }
  const sources = splitSegments(text);
  const segments = sources.map((source) => parseSegment(source, text));
  const steps: Step[] = [];
  for (const [index, segment] of segments.entries()) {
    if (index === segments.length - 1) return { text, variants: endings(steps, segment, text) };
    steps.push(...middleSteps(segment, text));
  }
  return { text, variants: [variant(steps)] };
}

/** At slashes that stand in no group. A slash at the end says nothing: paths are looked at without it. */
function splitSegments(text: string): string[] {
  const segments: string[] = [];
  let depth = 0;
  let start = 1;
  for (let i = 1; i <= text.length; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === "(") depth++;
    else if (char === ")") depth--;
    const isEnd = i >= text.length;
    if (!isEnd && (char !== "/" || depth > 0)) continue;
    if (!isEnd || i > start) segments.push(text.slice(start, i));
    start = i + 1;
  }
  for (const segment of segments) assertReachable(segment, text);
  return segments;
}

/** Paths are looked at without these, so such a pattern would never match. */
function assertReachable(segment: string, pattern: string): void {
  if (segment === "") throw refused(pattern, "has an empty segment", 'write one "/" for "//"');
  if (/^(\.|%2e){1,2}$/i.test(segment))
    throw refused(pattern, `has the segment "${segment}"`, "write the path that it leads to");
}

function middleSteps({ piece, modifier, name }: Segment, pattern: string): Step[] {
  if (modifier === "?") {
    throw refused(
      pattern,
      `has the optional ${name} before its end`,
      "list the path twice, with it and without it",
    );
  }
  if (modifier !== undefined) {
    const reason = `has ${name}${modifier} before its end, where it could take any number of segments`;
    throw refused(
      pattern,
      reason,
      `write ${name} for one segment, or let ${name}${modifier} end the path`,
    );
  }
  // The `.*` of such a group reaches over slashes, but there is at least one character before the next segment.
  return piece.kind === "not" ? [{ piece, isMany: false }, REST] : [{ piece, isMany: false }];
}

function endings(before: readonly Step[], segment: Segment, pattern: string): Variant[] {
  const { piece, modifier, name } = segment;
  const one: Step = { piece, isMany: false };
  const many: Step = { piece, isMany: true };
  if (piece.kind === "not") {
    if (modifier === undefined) return [variant([...before, one, REST]), variant(before, true)];
    throw refused(
      pattern,
      `has "${modifier}" after (?!…).*`,
      `leave the "${modifier}" away: .* takes any number of segments`,
    );
  }
  switch (modifier) {
    case undefined:
      return [variant([...before, one])];
    case "?":
      return [...withoutLast(before), variant([...before, one])];
    case "+":
      return [variant([...before, one, many])];
    case "*":
      return [...withoutLast(before).slice(1), variant([...before, many])];
    default:
      throw refused(pattern, `has an unknown modifier after ${name}`, "leave it away");
  }
}

/** What is left when the last segment may be missing; before it may stand a group that then ends the path. */
function withoutLast(before: readonly Step[]): Variant[] {
  const isAfterGroup = before.at(-2)?.piece.kind === "not";
  return isAfterGroup ? [variant(before), variant(before.slice(0, -2), true)] : [variant(before)];
}

function variant(steps: readonly Step[], needsSlash = false): Variant {
  const keys = steps.map(({ piece, isMany }) => `${isMany ? "**" : ""}${keyOf(piece)}`);
  return { steps, needsSlash, key: `${keys.join("//")}${needsSlash ? "//" : ""}` };
}
