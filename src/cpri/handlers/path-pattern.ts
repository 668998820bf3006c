// Which URLs a handler is for: patterns as MSW and path-to-regexp have them, matched in time that is linear in the URL.

import { matchParts, type Params, type Part } from "./pattern-parts.ts";
import { type ParsedPattern, parsePattern } from "./parse-pattern.ts";

/** Text such as `https://example.com/users/:id`, or a regular expression for the URL without its query. */
export type Pattern = string | RegExp;

export interface PathPattern {
  readonly source: Pattern;
  /** For an interest: what is literal in it, and `*` for everything else. */
  readonly outline: string;
  /** The parameters, or undefined where it does not match. The query and the fragment are not looked at. */
  match(location: URL): Params | undefined;
}

/** Throws a TypeError that says what to write instead. */
export function compilePattern(pattern: Pattern): PathPattern {
  if (pattern instanceof RegExp) return new RegExpPattern(pattern);
  if (typeof pattern === "string") return new TextPattern(pattern, parsePattern(pattern));
  throw new TypeError(
    `A handler is for a URL such as "https://example.com/users/:id", or for a RegExp; not for ${pattern === null ? "null" : typeof pattern}.`,
  );
}

const SLASH = 47;

interface Subject {
  readonly location: URL | undefined;
  readonly url: string;
  readonly path: string;
}

/** One request is shown to many patterns, one after the other: what they look at is made once. */
let latest: Subject = { location: undefined, url: "", path: "" };

function subjectOf(location: URL): Subject {
  // HOT: benchmarks/cpri. Nobody changes the location of a request.
  if (location === latest.location) return latest;
  const { origin, pathname: path } = location;
  latest = { location, url: origin + path, path };
  return latest;
}

class TextPattern implements PathPattern {
  readonly source: string;
  readonly outline: string;
  readonly #begin: string;
  readonly #isPathOnly: boolean;
  /** What comes after the literal beginning, and of that what is there in any case. */
  readonly #parts: readonly Part[];
  readonly #literals: readonly string[];
  /** The literal at the end, if there is one behind a placeholder. */
  readonly #end: string;

  constructor(source: string, { parts, isPathOnly }: ParsedPattern) {
    const [first = "", ...rest] = parts;
    this.source = source;
    this.#begin = typeof first === "string" ? first : "";
    this.#parts = typeof first === "string" ? rest : parts;
    this.#literals = this.#parts.filter((part) => typeof part === "string");
    this.#end = lastLiteral(this.#parts);
    this.#isPathOnly = isPathOnly;
    this.outline = parts.map((part) => (typeof part === "string" ? part : "*")).join("");
  }

  match(location: URL): Params | undefined {
    const { url, path } = subjectOf(location);
    const subject = this.#isPathOnly ? path : url;
    const begin = this.#begin;
    if (!endsLike(subject, this.#end) || !beginsWith(subject, begin)) return undefined;
    if (this.#parts.length > 0) {
      return this.#isPlausible(subject)
        ? matchParts(this.#parts, subject, begin.length)
        : undefined;
    }
    const left = subject.length - begin.length;
    const isSame = left === 0 || (left === 1 && subject.endsWith("/"));
    return isSame ? (Object.create(null) as Params) : undefined;
  }

  /** Turns down nearly all that does not match, for much less than the matching costs. */
  #isPlausible(subject: string): boolean {
    let from = this.#begin.length;
    for (const literal of this.#literals) {
      const at = subject.indexOf(literal, from);
      if (at === -1) return false;
      from = at + literal.length;
    }
    return true;
  }
}

/**
 * `startsWith`, for many patterns of which nearly none is right. They tend to begin alike, and to differ at the end of
 * their first literal, or before a last slash.
 */
function beginsWith(text: string, literal: string): boolean {
  const last = literal.length - 1;
  if (last < 1) return text.startsWith(literal);
  return (
    text.charCodeAt(last - 1) === literal.charCodeAt(last - 1) &&
    text.charCodeAt(last) === literal.charCodeAt(last) &&
    text.startsWith(literal)
  );
}

function lastLiteral(parts: readonly Part[]): string {
  const last = parts.at(-1);
  return typeof last === "string" ? last : "";
}

/** Whether the last character is that of `end`, or a slash that may be too much. */
function endsLike(text: string, end: string): boolean {
  if (end === "") return true;
  const last = text.charCodeAt(text.length - 1);
  const wanted = end.charCodeAt(end.length - 1);
  return last === wanted || (last === SLASH && text.charCodeAt(text.length - 2) === wanted);
}

class RegExpPattern implements PathPattern {
  readonly source: RegExp;
  readonly outline: string = "*";
  /** A copy, because one with the flags `g` or `y` remembers where it was. */
  readonly #regExp: RegExp;

  constructor(source: RegExp) {
    this.source = source;
    this.#regExp = new RegExp(source);
  }

  match(location: URL): Params | undefined {
    this.#regExp.lastIndex = 0;
    const found = this.#regExp.exec(subjectOf(location).url);
    if (found === null) return undefined;
    const params = Object.create(null) as Record<string, string>;
    const captures = found.groups ?? found.slice(1);
    for (const [name, value] of Object.entries(captures)) {
      if (value !== undefined) params[name] = value;
    }
    return params;
  }
}
