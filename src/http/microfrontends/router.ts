// Decides which application gets a request, by its path alone, and explains the decision.
// Flags are asked for, never looked up here; who runs where, and whether, is not known.

import type { Application } from "./application.ts";
import { assetPrefixesOf, imagePathOf, isUnprefixed } from "./asset-paths.ts";
import { type ChosenBy, type Explanation, type Loser, lossOf } from "./explanation.ts";
import { rankRoutes, type Route, type RouteRule, type RouteVariant } from "./routes.ts";
import { type RoutingPath, splitTarget, textOf } from "../routing-path.ts";
import { SegmentTrie } from "./segment-trie.ts";

/** Whether a flag is on for the request at hand. */
export type FlagLookup = (flag: string) => boolean;

export interface MatchOptions {
  /** Without it every flag is off. */
  readonly flags?: FlagLookup;
  /** The path of the page that asks, for what pages ask for without their application's prefix. */
  readonly refererPath?: string | undefined;
}

export interface RouteMatch {
  readonly app: Application;
  readonly by: ChosenBy;
  /** With `route`, and where an image or a page led to a route. */
  readonly rule?: RouteRule;
}

export interface RouterOptions {
  readonly applications: readonly Application[];
  readonly defaultApp: Application;
  readonly routes: readonly Route[];
}

const NO_FLAGS: FlagLookup = () => false;

export class Router {
  readonly #defaultApp: Application;
  readonly #apps: ReadonlyMap<string, Application>;
  readonly #routes: readonly Route[];
  /** The number of a variant in the trie is its rank here. */
  readonly #ranked: readonly RouteVariant[];
  readonly #trie = new SegmentTrie();
  readonly #assetPrefixes: ReadonlyMap<string, Application>;

  constructor({ applications, defaultApp, routes }: RouterOptions) {
    this.#defaultApp = defaultApp;
    this.#apps = new Map(applications.map((app) => [app.name, app]));
    this.#routes = routes;
    this.#ranked = rankRoutes(routes);
    for (const [rank, { variant }] of this.#ranked.entries()) this.#trie.add(variant, rank);
    this.#assetPrefixes = new Map(applications.filter((app) => !app.isDefault).flatMap(prefixesOf));
  }

  /** `target` is what was requested: a path, with or without a query. HOT: once for each request (benchmarks/proxy). */
  match(target: string, options: MatchOptions = {}): RouteMatch {
    const path = splitTarget(target);
    return (
      this.#byPrefix(path) ??
      this.#byImage(path, target, options) ??
      this.#byRule(path, options) ??
      this.#byReferer(path, options) ?? { app: this.#defaultApp, by: "default" }
    );
  }

  /**
   * The application of the page that asks for what is below no application's prefix: `/_next/…`, `/@vite/…`.
   * Undefined when the path is none of these, or the page is the default application's.
   */
  affinity(
    target: string,
    refererPath: string,
    options: MatchOptions = {},
  ): Application | undefined {
    return this.#byReferer(splitTarget(target), { ...options, refererPath })?.app;
  }

  /** Which rule wins the path, and why each of the others does not. */
  explain(target: string, options: MatchOptions = {}): Explanation {
    const path = splitTarget(target);
    const { app, by, rule } = this.match(target, options);
    const ruling = by === "route" ? rule : undefined;
    const losers = this.#routes
      .filter((route) => route.rule !== ruling)
      .map((route): Loser => ({
        rule: route.rule,
        ...this.#loss(route, path, ruling, by, options),
      }));
    return { path: textOf(path), app, by, ...(rule === undefined ? {} : { rule }), losers };
  }

  #loss(
    route: Route,
    path: RoutingPath,
    winner: RouteRule | undefined,
    by: ChosenBy,
    { flags = NO_FLAGS }: MatchOptions,
  ): Omit<Loser, "rule"> {
    const loss = lossOf(route.pattern, path);
    if (loss !== undefined) return loss;
    const { flag } = route.rule;
    if (flag !== undefined && !flags(flag))
      return { why: "flag off", text: `its flag ${JSON.stringify(flag)} is off` };
    const stronger = winner === undefined ? `the ${by}` : winner.pattern;
    return { why: "less specific", text: `matches too, but ${stronger} comes before it` };
  }

  #byPrefix({ segments: [first] }: RoutingPath): RouteMatch | undefined {
    const app = first === undefined ? undefined : this.#assetPrefixes.get(first);
    return app && { app, by: "asset prefix" };
  }

  #byImage(path: RoutingPath, target: string, options: MatchOptions): RouteMatch | undefined {
    const image = imagePathOf(path, target);
    if (image === undefined) return undefined;
    const inner = splitTarget(image);
    const found = this.#byPrefix(inner) ?? this.#byRule(inner, options);
    return found && { ...found, by: "image" };
  }

  #byRule(path: RoutingPath, { flags = NO_FLAGS }: MatchOptions): RouteMatch | undefined {
    let best = this.#ranked.length;
    for (const rank of this.#trie.walk(path).found) {
      if (rank >= best) continue;
      const flag = this.#ranked[rank]?.route.rule.flag;
      if (flag === undefined || flags(flag)) best = rank;
    }
    const rule = this.#ranked[best]?.route.rule;
    const app = rule && this.#apps.get(rule.app);
    return app && { app, rule, by: "route" };
  }

  #byReferer(path: RoutingPath, options: MatchOptions): RouteMatch | undefined {
    if (options.refererPath === undefined || !isUnprefixed(path)) return undefined;
    const page = splitTarget(options.refererPath);
    const found = this.#byPrefix(page) ?? this.#byRule(page, options);
    return found && { ...found, by: "referer" };
  }
}

function prefixesOf(app: Application): [string, Application][] {
  const written = app.assetPrefix === undefined ? [] : [app.assetPrefix];
  return [...assetPrefixesOf(app.name), ...written].map((prefix) => [prefix, app]);
}
