// Why a path goes where it goes: as data, and as text for people.

import type { Application } from "./application.ts";
import type { PathPattern, Variant } from "./path-pattern.ts";
import { wordsOf } from "./piece.ts";
import type { RouteRule } from "./routes.ts";
import type { RoutingPath } from "../routing-path.ts";
import { SegmentTrie } from "./segment-trie.ts";

/** By what an application was chosen. */
export type ChosenBy = "route" | "asset prefix" | "image" | "referer" | "default";

export interface Explanation {
  /** As routes see it. */
  readonly path: string;
  readonly app: Application;
  readonly by: ChosenBy;
  readonly rule?: RouteRule;
  /** Every other rule, in the order of the file. */
  readonly losers: readonly Loser[];
}

export interface Loser {
  readonly rule: RouteRule;
  readonly why: "no match" | "less specific" | "flag off";
  /** In words: `segment 2 is "b", not "c"`. */
  readonly text: string;
  /** With `no match`: the first segment that does not fit, from 1; one more than there are when the path is too short. */
  readonly segment?: number;
}

/** Why the pattern does not match; undefined when it does. */
export function lossOf(pattern: PathPattern, path: RoutingPath): Omit<Loser, "rule"> | undefined {
  let best = { depth: -1, variant: undefined as Variant | undefined };
  for (const variant of pattern.variants) {
    const trie = new SegmentTrie();
    trie.add(variant, 0);
    const { found, depth } = trie.walk(path);
    if (found.length > 0) return undefined;
    if (depth > best.depth) best = { depth, variant };
  }
  const text = mismatch(path, best.depth, best.variant);
  return { why: "no match", segment: best.depth + 1, text };
}

/**
 * The explanation as lines: the winner first, then each other rule with its reason.
 *
 * `file` stands before the line numbers.
 */
export function renderExplanation(explanation: Explanation, file: string): string {
  const { path, app, losers } = explanation;
  const lines = [
    `${path} goes to ${app.name} (port ${app.local.port})`,
    `  ${reasonOf(explanation, file)}`,
  ];
  const width = Math.max(0, ...losers.map(({ rule }) => labelOf(rule).length));
  for (const { rule, text } of losers) lines.push(`  - ${labelOf(rule).padEnd(width)}  ${text}`);
  return `${lines.join("\n")}\n`;
}

function reasonOf({ by, rule, app }: Explanation, file: string): string {
  const ruling = rule === undefined ? "" : `${rule.pattern}, ${file}:${rule.line}:${rule.column}`;
  switch (by) {
    case "route":
      return `by ${ruling}`;
    case "asset prefix":
      return `by the asset prefix of ${app.name}`;
    case "image":
      return `by the path of the picture${ruling === "" ? "" : `: ${ruling}`}`;
    case "referer":
      return `by the page that asks${ruling === "" ? "" : `: ${ruling}`}`;
    case "default":
      return "by default: no route takes it";
  }
}

function labelOf({ pattern, app, flag }: RouteRule): string {
  return `${pattern}  (${app}${flag === undefined ? "" : `, flag ${flag}`})`;
}

function mismatch({ segments }: RoutingPath, depth: number, variant: Variant | undefined): string {
  const seen = segments[depth];
  const steps = variant?.steps ?? [];
  // Behind a step that takes any number of segments, steps and segments do not go side by side any more.
  const isAligned = !steps.slice(0, depth).some(({ isMany }) => isMany);
  const due = isAligned ? steps[depth] : undefined;
  const number = depth + 1;
  if (seen === undefined) {
    const missing = due === undefined || due.piece.kind === "any" ? "" : `, ${wordsOf(due.piece)}`;
    return `the path ends where segment ${number} is due${missing}`;
  }
  const shown = `segment ${number} is ${JSON.stringify(seen)}`;
  if (due?.piece.kind === "not") return `${shown}, which it excludes`;
  if (due !== undefined) return `${shown}, not ${wordsOf(due.piece)}`;
  return isAligned ? `${shown}, where the path is to end` : `${shown}, which does not fit`;
}
