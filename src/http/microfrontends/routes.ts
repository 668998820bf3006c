// The routes of all applications, the most specific first; what cannot be told apart is refused at load.

import type { ConfigReport } from "./config-report.ts";
import type { Position } from "./jsonc.ts";
import type { PathPattern, Variant } from "./path-pattern.ts";
import { canOverlap, compareVariants } from "./specificity.ts";

/** One path of one application's `routing`. */
export interface RouteRule extends Position {
  /** The name of the application. */
  readonly app: string;
  /** As it is written. */
  readonly pattern: string;
  readonly group?: string;
  /** The rule counts only while this flag is on. */
  readonly flag?: string;
}

export interface Route {
  readonly rule: RouteRule;
  readonly pattern: PathPattern;
}

/** One of the forms of a route. */
export interface RouteVariant {
  readonly route: Route;
  readonly variant: Variant;
}

/** The most specific first; those that are equally specific stay in the order of the file. */
export function rankRoutes(routes: readonly Route[]): readonly RouteVariant[] {
  return routes
    .flatMap((route) => route.pattern.variants.map((variant) => ({ route, variant })))
    .sort((a, b) => compareVariants(a.variant, b.variant));
}

/** Reports paths that are claimed twice: an error where nothing decides between two applications, else a warning. */
export function reportConflicts(routes: readonly Route[], report: ConfigReport): void {
  reportRepeats(routes, report);
  // A thousand routes are half a million pairs, so each is compared only with those that can begin as it does.
  const all: Route[] = [];
  const open: Route[] = [];
  const byFirst = new Map<string, Route[]>();
  for (const route of routes) {
    const first = firstLiteral(route);
    const same = first === undefined ? all : [...(byFirst.get(first) ?? []), ...open];
    for (const earlier of same) {
      if (earlier.rule.app !== route.rule.app) reportConflict(earlier, route, report);
    }
    all.push(route);
    if (first === undefined) open.push(route);
    else byFirst.set(first, [...(byFirst.get(first) ?? []), route]);
  }
}

/** The segment that all paths of the route begin with; undefined where there are several, or a parameter. */
function firstLiteral({ pattern: { variants } }: Route): string | undefined {
  const [first, ...others] = variants.map(({ steps: [step] }) =>
    step?.piece.kind === "literal" ? step.piece.text : undefined,
  );
  return others.every((other) => other === first) ? first : undefined;
}

/** Within one application; with different flags, the same path may well be listed twice. */
function reportRepeats(routes: readonly Route[], report: ConfigReport): void {
  const seen = new Map<string, Route>();
  for (const route of routes) {
    const { app, flag = "" } = route.rule;
    const keys = route.pattern.variants.map(({ key }) => JSON.stringify([app, flag, key]));
    const first = keys.map((key) => seen.get(key)).find((found) => found !== undefined);
    for (const key of keys) seen.set(key, route);
    if (first === undefined) continue;
    const text = `${told(route.rule)} is listed already on line ${first.rule.line}; remove one`;
    report.warn(route.rule, text);
  }
}

function reportConflict(earlier: Route, later: Route, report: ConfigReport): void {
  const pair = overlappingPair(earlier, later);
  if (pair === undefined) return;
  const [one, two] = [earlier.rule, later.rule];
  const both = `${told(two)} and ${told(one)} on line ${one.line}`;
  if (haveSameVariant(earlier, later))
    return report.complain(two, `${both} claim the same paths; remove one`);
  const order = compareVariants(...pair);
  if (order === 0) {
    const text = `${both} claim some of the same paths, and neither is more specific; change one`;
    return report.complain(two, text);
  }
  const winner = told(order < 0 ? one : two);
  const text = `${both} claim some of the same paths; ${winner} wins them, as the more specific one`;
  report.warn(two, text);
}

function haveSameVariant(a: Route, b: Route): boolean {
  return a.pattern.variants.some(({ key }) =>
    b.pattern.variants.some((other) => other.key === key),
  );
}

/** Whether a path of the route begins with `segment`, and says so without a parameter. */
export function isBelow({ pattern }: Route, segment: string): boolean {
  return pattern.variants.some(
    ({ steps: [step] }) => step?.piece.kind === "literal" && step.piece.text === segment,
  );
}

/** The pair of forms that is hardest to tell apart. */
function overlappingPair(a: Route, b: Route): [Variant, Variant] | undefined {
  let found: [Variant, Variant] | undefined;
  for (const one of a.pattern.variants) {
    for (const two of b.pattern.variants) {
      if (!canOverlap(one, two)) continue;
      if (compareVariants(one, two) === 0) return [one, two];
      found ??= [one, two];
    }
  }
  return found;
}

function told({ pattern, app }: RouteRule): string {
  return `${JSON.stringify(pattern)} of ${JSON.stringify(app)}`;
}
