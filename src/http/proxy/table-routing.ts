// Routes given in code: path patterns and where they lead.

import { parseTarget, type ProxyTarget, type TargetOptions } from "../engine/target.ts";
import { type PathPattern, parsePattern } from "../microfrontends/path-pattern.ts";
import { splitTarget } from "../routing-path.ts";
import { SegmentTrie } from "../microfrontends/segment-trie.ts";
import { compareVariants } from "../microfrontends/specificity.ts";
import type { Destination, Routing } from "./routing.ts";

export interface TableRoute extends TargetOptions {
  readonly target: string;
  /** Where the same is deployed; used while nothing answers at the target. */
  readonly fallback?: string;
}

/** Targets by path pattern: `{ "/api/:path*": "http://localhost:4000" }`. */
export type RouteTable = Readonly<Record<string, string | TableRoute>>;

/** Throws XW_CONFIG for a pattern and TypeError for a target that is none. The most specific pattern wins. */
export function tableRouting(table: RouteTable): Routing {
  if (Object.keys(table).length === 0)
    throw new TypeError("routes is empty; give at least one path pattern with its target.");
  const routes = Object.entries(table).map(([pattern, route]) => ({
    pattern: parsePattern(pattern),
    destination: destinationOf(pattern, typeof route === "string" ? { target: route } : route),
  }));
  const ranked = rank(routes);
  assertApart(ranked);
  const trie = new SegmentTrie();
  for (const [place, { variant }] of ranked.entries()) trie.add(variant, place);
  return {
    choose: ({ url = "/" }) => {
      const { found } = trie.walk(splitTarget(url));
      return found.length === 0 ? undefined : ranked[Math.min(...found)]?.destination;
    },
    apps: appsOf(routes.map(({ destination }) => destination)),
    routes: routes.map(({ destination: { rule, app } }) => ({ pattern: rule, app })),
  };
}

/** Two patterns for the same paths: one of them would never get anything. */
function assertApart(ranked: readonly Ranked[]): void {
  const known = new Map<string, Destination>();
  for (const { variant, destination } of ranked) {
    const other = known.get(variant.key);
    if (other !== undefined && other !== destination) {
      throw new TypeError(
        `The routes ${JSON.stringify(other.rule)} and ${JSON.stringify(destination.rule)} claim the same paths; remove one.`,
      );
    }
    known.set(variant.key, destination);
  }
}

/** Everything goes to one target. */
export function singleRouting(url: string): Routing {
  const destination = destinationOf("/:path*", { target: url });
  return {
    choose: () => destination,
    apps: [destination],
    routes: [{ pattern: destination.rule, app: destination.app }],
  };
}

function destinationOf(rule: string, route: TableRoute): Destination {
  const { target: url, fallback, ...options } = route;
  const target = parseTarget(url, options);
  return {
    app: url,
    rule,
    target: () => target,
    ...(fallback === undefined ? {} : { fallback: fallbackTarget(fallback) }),
  };
}

/** A deployed application knows itself by its own name only. */
export function fallbackTarget(url: string): ProxyTarget {
  return parseTarget(url, { host: "target" });
}

/** One entry for each application, though several patterns may lead to it. */
function appsOf(destinations: readonly Destination[]): Destination[] {
  return [...new Map(destinations.map((one) => [one.app, one])).values()];
}

interface Ranked {
  readonly variant: PathPattern["variants"][number];
  readonly destination: Destination;
}

function rank(
  routes: readonly { readonly pattern: PathPattern; readonly destination: Destination }[],
): Ranked[] {
  return routes
    .flatMap(({ pattern, destination }) =>
      pattern.variants.map((variant) => ({ variant, destination })),
    )
    .sort((a, b) => compareVariants(a.variant, b.variant));
}
