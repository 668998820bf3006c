// Reads one segment of a path pattern: fixed text with at most one parameter or group in it.

import { CrosswireError } from "../../errors.ts";
import type { Piece } from "./piece.ts";

export type Modifier = "?" | "*" | "+";

export interface Segment {
  readonly piece: Piece;
  /** Only on a parameter that is the whole segment. */
  readonly modifier?: Modifier | undefined;
  /** As it is written, for messages: `:path`, or `(a|b)`. */
  readonly name: string;
}

type Group =
  | { readonly kind: "choice"; readonly texts: readonly string[] }
  | { readonly kind: "not"; readonly prefixes: readonly string[] };

interface Wildcard {
  readonly name: string;
  readonly group: Group | undefined;
  readonly modifier: Modifier | undefined;
}

const NAME = /[A-Za-z0-9_]+/y;
const NEGATION = "(?!";
const MODIFIERS = "?*+";

export function parseSegment(source: string, pattern: string): Segment {
  return new SegmentReader(source, pattern).read();
}

/** The one form of what is said of a pattern: what it has that cannot be, and what to write instead. */
export function refused(pattern: string, reason: string, advice: string): CrosswireError {
  return new CrosswireError(
    "XW_CONFIG",
    `the path ${JSON.stringify(pattern)} ${reason}; ${advice}`,
  );
}

class SegmentReader {
  #source: string;
  #pattern: string;
  #offset = 0;
  #before = "";
  #after = "";
  #wildcard: Wildcard | undefined;

  constructor(source: string, pattern: string) {
    this.#source = source;
    this.#pattern = pattern;
  }

  read(): Segment {
    while (this.#offset < this.#source.length) this.#readNext();
    const wildcard = this.#wildcard;
    if (wildcard === undefined)
      return { piece: { kind: "literal", text: this.#before }, name: this.#source };
    const isWhole = this.#before === "" && this.#after === "";
    return isWhole ? wholeSegment(wildcard) : this.#composed(wildcard);
  }

  #readNext(): void {
    const char = this.#source[this.#offset] ?? "";
    if (char === ":" || char === "(") return this.#readWildcard();
    if (MODIFIERS.includes(char)) throw this.#strayModifier(char);
    if (char === "{" || char === "}")
      throw this.#refused(
        'has "{" or "}"',
        `list each path by itself, or write "\\\\${char}" for the character`,
      );
    if (char === ")")
      throw this.#refused('has a ")" that opens nowhere', 'write "\\\\)" for the character');
    if (char === "#")
      throw this.#refused('has a "#"', "leave it away: a browser never sends what follows it");
    const text = encodeText(char === "\\" ? this.#escaped() : this.#character());
    if (this.#wildcard === undefined) this.#before += text;
    else this.#after += text;
  }

  /** One character, which may be two code units. */
  #character(): string {
    const text = String.fromCodePoint(this.#source.codePointAt(this.#offset) ?? 0);
    this.#offset += text.length;
    return text;
  }

  #escaped(): string {
    this.#offset++;
    if (this.#offset >= this.#source.length)
      throw this.#refused(
        'ends with "\\"',
        "leave it away, or write the character that it escapes",
      );
    const text = this.#character();
    if (/[A-Za-z0-9]/.test(text))
      throw this.#refused(`has the regular expression \\${text}`, "write a parameter such as :id");
    return text;
  }

  #readWildcard(): void {
    if (this.#wildcard !== undefined)
      throw this.#refused("has two parameters in one segment", "write one, such as :name");
    const start = this.#offset;
    if (this.#source[start] === ":") {
      NAME.lastIndex = start + 1;
      const name = NAME.exec(this.#source)?.[0];
      if (name === undefined)
        throw this.#refused(
          'has a ":" without a name',
          'write ":path", or "\\\\:" for the character',
        );
      this.#offset += 1 + name.length;
    }
    const named = this.#source.slice(start, this.#offset);
    const group = this.#source[this.#offset] === "(" ? this.#readGroup() : undefined;
    const name = named === "" ? this.#source.slice(start, this.#offset) : named;
    const next = this.#source[this.#offset] ?? "";
    const modifier = next !== "" && MODIFIERS.includes(next) ? (next as Modifier) : undefined;
    if (modifier !== undefined) this.#offset++;
    this.#wildcard = { name, group, modifier };
  }

  #readGroup(): Group {
    const isNegative = this.#source.startsWith(`(${NEGATION}`, this.#offset);
    this.#offset += isNegative ? NEGATION.length + 1 : 1;
    const texts = this.#readAlternatives();
    if (!isNegative) return { kind: "choice", texts };
    if (!this.#source.startsWith(".*)", this.#offset))
      throw this.#refused("has a (?!…) that .* does not follow", "write ((?!a|b).*)");
    this.#offset += ".*)".length;
    return { kind: "not", prefixes: texts };
  }

  /** Up to and with the closing bracket. */
  #readAlternatives(): string[] {
    const texts = new Set<string>();
    for (let text = ""; ;) {
      const char = this.#source[this.#offset] ?? "";
      if (char === "") throw this.#refused("has a group that does not end", 'write ")"');
      if (char === "|" || char === ")") {
        if (text === "")
          throw this.#refused(
            "has an empty alternative",
            "leave it away, or list the path without it",
          );
        texts.add(text);
        this.#offset++;
        if (char === ")") return [...texts];
        text = "";
      } else if (char === "\\") {
        text += encodeText(this.#escaped());
      } else {
        if (/[.*+?^${}[\](:!#/]/.test(char)) throw this.#unsupportedGroup(char);
        text += encodeText(this.#character());
      }
    }
  }

  #composed({ name, group, modifier }: Wildcard): Segment {
    const prefix = this.#before;
    const suffix = this.#after;
    if (group?.kind === "not")
      throw this.#refused(
        `has text beside ${name}((?!…).*)`,
        "give the group a segment of its own",
      );
    if (modifier !== undefined && (group !== undefined || suffix !== "" || prefix.endsWith(".")))
      throw this.#refused(
        `has ${name}${modifier} beside other text`,
        `leave the "${modifier}" away`,
      );
    if (modifier === "?")
      throw this.#refused(
        `has the optional ${name} beside other text`,
        "list the path twice, with it and without it",
      );
    if (group !== undefined) {
      const texts = group.texts.map((text) => `${prefix}${text}${suffix}`);
      return { piece: { kind: "choice", texts }, name };
    }
    // In path-to-regexp a parameter right behind a dot stops at the next dot: `x.:ext` is not `x.tar.gz`.
    const isDotless = prefix.endsWith(".");
    const min = modifier === "*" ? 0 : 1;
    return { piece: { kind: "composed", prefix, suffix, min, isDotless }, name };
  }

  #strayModifier(char: string): CrosswireError {
    if (char === "?")
      return this.#refused(
        'has a "?"',
        "leave the query away: routes are chosen by the path alone",
      );
    const advice = `write ":path${char}" for any number of segments, or "\\\\${char}" for the character`;
    return this.#refused(`has a "${char}" that follows no parameter`, advice);
  }

  #unsupportedGroup(char: string): CrosswireError {
    const advice =
      'write alternatives such as (a|b) or ((?!a|b).*), with "\\\\" before special characters';
    if (char === "/") return this.#refused("has a group that reaches over a slash", advice);
    if (this.#source.startsWith(".*)", this.#offset))
      return this.#refused("has the group (.*)", "write :path* for any number of segments");
    return this.#refused(`has the regular expression "${char}" in a group`, advice);
  }

  #refused(reason: string, advice: string): CrosswireError {
    return refused(this.#pattern, reason, advice);
  }
}

function wholeSegment({ name, group, modifier }: Wildcard): Segment {
  return { piece: group ?? { kind: "any" }, modifier, name };
}

/** Paths are looked at as they are sent, and what is not ASCII is sent as percent signs. */
function encodeText(text: string): string {
  if (/\p{Surrogate}/u.test(text)) return "%EF%BF%BD"; // Half a character, which browsers replace.
  return /[^\x21-\x7e]/.test(text) ? encodeURIComponent(text) : text;
}
