// Reads a pattern that is text: its literals are written as `URL` would write them, its placeholders are named.

import type { Part, Placeholder } from "./pattern-parts.ts";

export interface ParsedPattern {
  /** Literals and placeholders of a whole URL without its query, or only of its path. */
  readonly parts: readonly Part[];
  /** The pattern begins with a slash: any origin will do. */
  readonly isPathOnly: boolean;
}

/** SECURITY: with these bounds a URL of 8 KiB takes a few milliseconds at most. */
const MAX_PATTERN_LENGTH = 2_048;
const MAX_PLACEHOLDERS = 32;

const ABSOLUTE = /^([a-z*][a-z0-9*+.-]*):\/\/([^/]*)(.*)$/is;
const KNOWN_SCHEME = /^(?:https?|wss?)$/;
const DOT_SEGMENT = /(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;
const PARAM = /:(\w+)/y;
const STARS = /\*+/y;
/** At the end of a host; elsewhere `:3000` is a parameter with a strange name. */
const PORT = /:\d+$/y;
const IPV6 = /\[[\da-f:.]*\]/iy;
const AS_IT_IS = /[\w~!$&'()*+,;=:@/%.-]/;

type Area = "host" | "path";

/** Throws a TypeError that says what to write instead. */
export function parsePattern(source: string): ParsedPattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    const count = `${source.length} characters; at most ${MAX_PATTERN_LENGTH} are possible`;
    throw refused(`${source.slice(0, 80)}…`, `it has ${count}`);
  }
  const reader = new PatternReader(source);
  const isPathOnly = source.startsWith("/") && !source.startsWith("//");
  if (isPathOnly) reader.readPath(source);
  else readUrl(reader, source);
  return { parts: reader.finish(), isPathOnly };
}

function readUrl(reader: PatternReader, source: string): void {
  const [, scheme = "", host = "", path = ""] = ABSOLUTE.exec(source) ?? [];
  if (scheme !== "")
    return readAbsolute(reader, source, { scheme: scheme.toLowerCase(), host, path });
  if (!source.startsWith("*")) {
    throw refused(source, "it begins with a scheme, with * or with /", suggestion(source));
  }
  // It stands for the scheme, the host, and as much of the path as there is.
  reader.readWildcard("anything");
  const rest = source.replace(/^\*+/, "");
  const slash = rest.includes("/") ? rest.indexOf("/") : rest.length;
  reader.read(rest.slice(0, slash), "host");
  reader.readPath(rest.slice(slash));
}

interface Pieces {
  readonly scheme: string;
  readonly host: string;
  readonly path: string;
}

function readAbsolute(reader: PatternReader, source: string, { scheme, host, path }: Pieces): void {
  if (!scheme.includes("*") && !KNOWN_SCHEME.test(scheme)) {
    throw refused(source, `the scheme is http, https, ws or wss, and not ${scheme}`);
  }
  if (host === "") throw refused(source, "it has no host", `*${path || "/"}`);
  if (host.includes("@")) {
    throw refused(source, "a user and a password are not part of what is matched; leave them out");
  }
  const origin = literalOrigin(source, scheme, host);
  if (origin === undefined) {
    reader.read(scheme, "host");
    reader.readLiteral("://");
    reader.read(withoutDefaultPort(scheme, host), "host");
  } else reader.readLiteral(origin);
  // Every URL has a path. A wildcard at the end stands for that too.
  const isOpen = path === "" && host.endsWith("*");
  if (!isOpen) reader.readPath(path || "/");
}

/** As `URL` writes it, where nothing in it stands for something else. */
function literalOrigin(source: string, scheme: string, host: string): string | undefined {
  const hasPlaceholder =
    /[*\\]/.test(scheme + host) || /:[^:\]]*[a-z_]/i.test(host.replace(/^\[.*\]/, ""));
  if (hasPlaceholder) return undefined;
  const url = `${scheme}://${host}/`;
  if (/[?#]/.test(host) || !URL.canParse(url)) throw refused(source, `${host} is no host of a URL`);
  const { protocol, host: written } = new URL(url);
  return `${protocol}//${written}`;
}

function withoutDefaultPort(scheme: string, host: string): string {
  return host.replace(/^(http|ws)$/.test(scheme) ? /:80$/ : /:443$/, "");
}

/** What somebody meant who left out the beginning. */
function suggestion(source: string): string {
  if (source.startsWith("//")) return `https:${source}`;
  return /^[\w.-]+(?:\.\w+|:\d+)(?:\/|$)/.test(source) ? `http://${source}` : `*/${source}`;
}

class PatternReader {
  readonly #source: string;
  readonly #parts: Part[] = [];
  #literal = "";
  #unnamed = 0;

  constructor(source: string) {
    this.#source = source;
  }

  finish(): readonly Part[] {
    this.#endLiteral();
    const placeholders = this.#parts.filter((part) => typeof part !== "string");
    if (placeholders.length <= MAX_PLACEHOLDERS) return this.#parts;
    throw refused(this.#source, `it has more than ${MAX_PLACEHOLDERS} placeholders`);
  }

  readPath(path: string): void {
    if (DOT_SEGMENT.test(path)) {
      throw refused(
        this.#source,
        "a URL never has the segments . and .. in it; write the path that they lead to",
      );
    }
    this.read(path, "path");
  }

  readLiteral(text: string): void {
    this.#literal += text;
  }

  readWildcard(kind: Placeholder["kind"]): void {
    this.#add({ name: String(this.#unnamed++), kind, lead: "", isOptional: false });
  }

  read(text: string, area: Area): void {
    for (let at = 0; at < text.length;) at = this.#readToken(text, at, area);
  }

  /** Returns where the next one begins. */
  #readToken(text: string, at: number, area: Area): number {
    const stars = found(STARS, text, at);
    if (stars !== undefined) {
      // The wildcard for a port stands for what follows the port too, as in MSW.
      const isHost = area === "host" && text[at - 1] !== ":";
      this.readWildcard(isHost ? "host" : "anything");
      return at + stars.length;
    }
    const address = area === "host" ? found(IPV6, text, at) : undefined;
    if (address !== undefined) {
      this.#literal += address.toLowerCase();
      return at + address.length;
    }
    const isPort = area === "host" && found(PORT, text, at) !== undefined;
    const param = isPort ? undefined : found(PARAM, text, at);
    if (param !== undefined) return this.#readParam(param.slice(1), text, at + param.length);
    const char = String.fromCodePoint(text.codePointAt(at) as number);
    if (char === "\\" && at + 1 < text.length) {
      const escaped = String.fromCodePoint(text.codePointAt(at + 1) as number);
      this.#literal += this.#written(escaped, area);
      return at + 1 + escaped.length;
    }
    this.#refuseSpecial(char, text, at);
    this.#literal += this.#written(char, area);
    return at + char.length;
  }

  #readParam(name: string, text: string, after: number): number {
    const modifier = text[after] ?? "";
    const isQuery = modifier === "?" && /^\?[\w%[\]]*[=&]/.test(text.slice(after));
    if (!"?+*".includes(modifier) || modifier === "" || isQuery) {
      this.#add({ name, kind: "segment", lead: "", isOptional: false });
      return after;
    }
    const lead = /[/.]$/.exec(this.#literal)?.[0] ?? "";
    const isOptional = modifier !== "+";
    if (isOptional) this.#literal = this.#literal.slice(0, this.#literal.length - lead.length);
    const separator = modifier === "?" ? undefined : lead || "/";
    const kind = separator === "/" ? "segments" : "segment";
    this.#add({ name, kind, lead: isOptional ? lead : "", isOptional, separator });
    return after + 1;
  }

  #add(placeholder: Placeholder): void {
    this.#endLiteral();
    this.#parts.push(placeholder);
  }

  #endLiteral(): void {
    if (this.#literal !== "") this.#parts.push(this.#literal);
    this.#literal = "";
  }

  #refuseSpecial(char: string, text: string, at: number): void {
    if (char === "?" || char === "#") {
      const [instead = ""] = this.#source.split(text.slice(at));
      const why =
        "the query is no part of what is matched. Read new URL(request.url).searchParams in the resolver, which returns undefined for what it does not want";
      throw refused(this.#source, why, instead);
    }
    if (!"(){}".includes(char)) return;
    const escaped = `"\\\\${char}"`;
    throw refused(
      this.#source,
      `it has no groups. Use a RegExp, or write ${escaped} for the character itself`,
    );
  }

  /** One character as it stands in what `URL` gives. */
  #written(char: string, area: Area): string {
    if (area === "path") return encoded(char);
    if (/[\x21-\x7e]/.test(char)) return char.toLowerCase();
    throw refused(this.#source, "a host with placeholders is written in ASCII, as xn--…");
  }
}

function encoded(char: string): string {
  if (AS_IT_IS.test(char)) return char;
  // What `URL` would take for the end of the path, or for a slash.
  if ("?#\\".includes(char)) return encodeURIComponent(char);
  return new URL(`http://x/a${char}a`).pathname.slice(2, -1);
}

function found(sticky: RegExp, text: string, at: number): string | undefined {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0];
}

/** Always an error of whoever wrote the pattern. */
function refused(source: string, why: string, instead?: string): TypeError {
  const advice = instead === undefined ? "" : ` Write ${JSON.stringify(instead)}.`;
  return new TypeError(`${JSON.stringify(source)} is no pattern for a URL: ${why}.${advice}`);
}
