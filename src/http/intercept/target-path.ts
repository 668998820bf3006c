// The path that a client asked for, made ready for the router: what must stay escaped is kept so,
// and what no handler should see as a parameter is named.

/** What a router matches, and why a request that matches is refused all the same. */
export interface TargetPath {
  readonly path: string;
  readonly fault: string | undefined;
}

const SPECIAL = /[%.\\]/;
/**
 * SECURITY: `..`, and whatever becomes one when it is decoded, even twice. Parameters end up in file names and URLs,
 * and a URL reads `%2e%2e` as `..`; between escaped slashes it is one for whoever decodes before he splits.
 */
const DOT_SEGMENT =
  /(?:^|[/\\]|%(?:25)*(?:2f|5c))(?:\.|%(?:25)*2e){1,2}(?:$|[/\\]|%(?:25)*(?:2f|5c))/i;
const ESCAPED_SEPARATOR = /%(2f|5c)/gi;

/** Nearly all paths are plain: those are looked at once and not copied. */
export function readTargetPath(path: string): TargetPath {
  if (!SPECIAL.test(path)) return { path, fault: undefined };
  if (!isDecodable(path)) {
    // To the router each % stands for itself, so that it can still say whose path this would have been.
    const literal = path.replaceAll("%", "%25");
    return { path: literal, fault: "an escape in its path cannot be decoded" };
  }
  // SECURITY: an escaped slash or backslash is not decoded, so a parameter never holds one.
  const kept = path.replaceAll(ESCAPED_SEPARATOR, (_, code: string) => `%25${code.toUpperCase()}`);
  return { path: kept, fault: faultOf(path) };
}

/** The same text for the routes that are registered: `/@scope%2fname` is what clients of npm ask for. */
export function keepSeparators(path: string): string {
  return path.replaceAll(ESCAPED_SEPARATOR, (escape) => escape.toUpperCase());
}

function faultOf(path: string): string | undefined {
  if (path.includes("\\")) return "its path has a backslash, which some would read as a slash";
  if (DOT_SEGMENT.test(path)) return 'its path has a segment "." or ".."';
  return undefined;
}

function isDecodable(path: string): boolean {
  try {
    // Used, or bundlers take the call for dead.
    return typeof decodeURIComponent(path) === "string";
  } catch {
    return false;
  }
}
