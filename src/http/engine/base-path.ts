// Puts the base path of a target before what is asked of it, in such a way that nothing climbs out of it.

import { pathPart, splitTarget, textOf } from "../routing-path.ts";

const DOT_SEGMENT = /(^|\/)(\.|%2e){1,2}(\/|$)/i;

/**
 * `/base` and `/docs?page=2` are `/base/docs?page=2`. Without a base path the target stays as it was sent, byte for
 * byte; with one it is resolved where it climbs.
 *
 * SECURITY: whoever gave a base path meant what is below it, and nothing beside it.
 */
export function belowBase(basePath: string, target: string): string {
  if (basePath === "" || target === "*") return target;
  const path = pathPart(target);
  // Some servers read a backslash as a slash, so it would be one more way to climb.
  const safe = path.replaceAll("\\", "%5C");
  const resolved = DOT_SEGMENT.test(safe) ? textOf(splitTarget(safe)) : safe;
  return basePath + resolved + target.slice(path.length);
}
