// The form of a request's path that routes are chosen by. What is passed on is never this form but what was sent.

export interface RoutingPath {
  /** Without empty ones, `.` and `..`; nothing else is decoded. */
  readonly segments: readonly string[];
  /** Also of `/` itself. */
  readonly endsWithSlash: boolean;
}

const DOTS = /^(?:\.|%2e)(\.|%2e)?$/i;

/**
 * Reads a request target: its query is left away, `//` counts as `/`, and `.` and `..` are resolved, `%2e` too,
 * because the server behind may resolve them.
 *
 * SECURITY: no other percent sign is decoded, so `/docs%2f..` is one segment here as it is one behind.
 */
export function splitTarget(target: string): RoutingPath {
  const segments: string[] = [];
  let endsWithSlash = true;
  for (const segment of pathPart(target).split("/")) {
    const dots = dotsOf(segment);
    endsWithSlash = segment === "" || dots > 0;
    if (!endsWithSlash) segments.push(segment);
    else if (dots === 2) segments.pop();
  }
  return { segments, endsWithSlash: endsWithSlash || segments.length === 0 };
}

/** The same as text: `/docs/` for `//docs/x/../?q`. */
export function routingPath(target: string): string {
  return textOf(splitTarget(target));
}

export function textOf({ segments, endsWithSlash }: RoutingPath): string {
  if (segments.length === 0) return "/";
  return `/${segments.join("/")}${endsWithSlash ? "/" : ""}`;
}

/** What stands before the query. */
export function pathPart(target: string): string {
  const query = target.indexOf("?");
  const fragment = target.indexOf("#");
  if (query === -1 && fragment === -1) return target;
  if (query === -1 || fragment === -1) return target.slice(0, Math.max(query, fragment));
  return target.slice(0, Math.min(query, fragment));
}

/** 1 for `.`, 2 for `..`, else 0. */
function dotsOf(segment: string): 0 | 1 | 2 {
  const first = segment.charCodeAt(0);
  if (first !== 0x2e && first !== 0x25) return 0; // Neither "." nor "%": nearly always.
  const found = DOTS.exec(segment);
  if (found === null) return 0;
  return found[1] === undefined ? 1 : 2;
}
