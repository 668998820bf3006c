// How far a request is from a handler that does not match it, and why, for people who look for their mistake.

import { compilePattern, type PathPattern, type Pattern } from "./path-pattern.ts";

export interface Distance {
  /** The fewer the nearer. */
  readonly points: number;
  readonly because: string;
}

interface Miss {
  readonly isMethod: boolean;
  readonly isUsed: boolean;
  readonly pattern: PathPattern;
  readonly location: URL;
}

const USED: Distance = { points: 1, because: "it was to be used once, and was used already" };
const OTHER_METHOD: Distance = { points: 2, because: "the method differs" };
const OTHER_HOST_POINTS = 10;
const OTHER_URL_POINTS = 12;
/** A segment is either misspelt or another one. */
const OTHER_SEGMENT_POINTS = 4;

export function distanceOf({ isMethod, isUsed, pattern, location }: Miss): Distance {
  const reasons = [
    ...(isMethod ? [] : [OTHER_METHOD]),
    ...(pattern.match(location) === undefined ? urlReasons(pattern.source, location) : []),
    ...(isUsed ? [USED] : []),
  ];
  if (reasons.length === 0) return { points: 0, because: "it returned nothing" };
  return {
    points: reasons.reduce((sum, { points }) => sum + points, 0),
    because: reasons.map(({ because }) => because).join(", and "),
  };
}

function urlReasons(source: Pattern, location: URL): Distance[] {
  if (typeof source !== "string") {
    return [{ points: OTHER_URL_POINTS, because: "the regular expression does not match" }];
  }
  const [, origin = "", path = ""] = /^((?:[^/]*:\/\/)?[^/]*)(.*)$/s.exec(source) ?? [];
  const reasons = [...originReasons(origin, location), ...pathReasons(path, location.pathname)];
  if (reasons.length > 0) return reasons;
  return [{ points: OTHER_URL_POINTS, because: "the URL differs" }];
}

function originReasons(origin: string, location: URL): Distance[] {
  // Nothing that could differ, or a wildcard for as much of the path as there is.
  if (origin === "" || origin.startsWith("*")) return [];
  if (compilePattern(`${origin}/*`).match(location) !== undefined) return [];
  const { hostname, protocol } = literalOf(origin);
  if (hostname !== location.hostname)
    return [{ points: OTHER_HOST_POINTS, because: "the host differs" }];
  const because = protocol === location.protocol ? "the port differs" : "the scheme differs";
  return [{ points: OTHER_SEGMENT_POINTS, because }];
}

function literalOf(origin: string): { readonly hostname: string; readonly protocol: string } {
  return URL.canParse(origin) ? new URL(origin) : { hostname: "", protocol: "" };
}

function pathReasons(pattern: string, path: string): Distance[] {
  const wanted = pattern.split("/").slice(1);
  const there = path.split("/").slice(1);
  const isOpen = /\*|\+/.test(pattern);
  const count = isOpen
    ? Math.min(wanted.length, there.length)
    : Math.max(wanted.length, there.length);
  let points = 0;
  let because: string | undefined;
  for (let i = 0; i < count; i++) {
    const [literal, segment] = [wanted[i], there[i]];
    if (isSame(literal, segment)) continue;
    points += Math.min(OTHER_SEGMENT_POINTS, edits(literal ?? "", segment ?? ""));
    because ??= `the path has ${shown(segment)} where the handler has ${shown(literal)}`;
  }
  return because === undefined ? [] : [{ points, because }];
}

/** A segment with a placeholder is taken for the same as any other one. */
function isSame(literal: string | undefined, segment: string | undefined): boolean {
  if (literal === segment) return true;
  if (literal === undefined) return false;
  return literal.endsWith("?") || (segment !== undefined && /[:*\\]/.test(literal));
}

function shown(segment: string | undefined): string {
  return segment === undefined || segment === "" ? "nothing" : JSON.stringify(segment.slice(0, 80));
}

/** How many characters have to be added, removed or replaced (Levenshtein); of long ones the beginning is compared. */
function edits(left: string, right: string): number {
  const [a, b] = [left.slice(0, 32), right.slice(0, 32)];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return Math.max(1, row[b.length] as number);
}
