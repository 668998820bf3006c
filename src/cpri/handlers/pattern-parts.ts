// Matches text against literals and placeholders: right to left it finds out from where the rest can match, and then
// left to right what each placeholder stands for.
// SECURITY: no backtracking. Whatever URL comes, it takes as many steps as the text has characters, for each part.

/** By name; unnamed wildcards as "0", "1"… What may be repeated is a list. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

export interface Placeholder {
  readonly name: string;
  /**
   * `segment`: one or more characters, no slash. `segments`: several of these, between slashes.
   * `host`: no slash, or nothing. `anything`: whatever, or nothing.
   */
  readonly kind: "segment" | "segments" | "host" | "anything";
  /** Of one that may be missing: what goes with it. */
  readonly lead: string;
  readonly isOptional: boolean;
  /** Of one whose value is a list. */
  readonly separator?: string | undefined;
}

export type Part = string | Placeholder;

const SLASH = 47;

/** The parameters if all of `subject` from `start` on matches; a slash at its very end may be too much. */
export function matchParts(
  parts: readonly Part[],
  subject: string,
  start: number,
): Params | undefined {
  const rows = [endRow(subject, start)];
  for (let i = parts.length - 1; i >= 0; i--) {
    const row = rowOf(parts[i] as Part, subject, start, rows[0] as Row);
    rows.unshift(row);
  }
  if (rows[0]?.whole[0] !== 1) return undefined;
  return capture(parts, rows, subject, start);
}

/** By position after the start, 1 where what is left of the text matches this part and those behind it. */
interface Row {
  readonly whole: Uint8Array;
  /** The same for the value of a placeholder, without its lead. */
  readonly value: Uint8Array;
}

function endRow(subject: string, start: number): Row {
  const length = subject.length - start;
  const whole = new Uint8Array(length + 1);
  whole[length] = 1;
  if (length > 0 && subject.endsWith("/")) whole[length - 1] = 1;
  return { whole, value: whole };
}

function rowOf(part: Part, subject: string, start: number, { whole: next }: Row): Row {
  if (typeof part === "string") {
    const whole = shifted(part, subject, start, next);
    return { whole, value: whole };
  }
  const value = valueRow(part.kind, subject, start, next);
  const led = part.lead === "" ? value : shifted(part.lead, subject, start, value);
  if (!part.isOptional) return { whole: led, value };
  return { whole: led.map((isMatch, at) => isMatch | (next[at] as number)), value };
}

/** Where `literal` stands, and `next` is true behind it. */
function shifted(literal: string, subject: string, start: number, next: Uint8Array): Uint8Array {
  const row = new Uint8Array(next.length);
  for (let at = subject.indexOf(literal, start); at !== -1; at = subject.indexOf(literal, at + 1)) {
    row[at - start] = next[at - start + literal.length] as number;
  }
  return row;
}

function valueRow(
  kind: Placeholder["kind"],
  subject: string,
  start: number,
  next: Uint8Array,
): Uint8Array {
  const row = new Uint8Array(next.length);
  const isEmptyAllowed = kind === "host" || kind === "anything";
  for (let at = next.length - 1; at >= 0; at--) {
    if (isEmptyAllowed && next[at] === 1) row[at] = 1;
    else if (at + 1 < next.length && isIn(kind, subject, start + at)) {
      const isDone = next[at + 1] === 1 || row[at + 1] === 1;
      row[at] =
        isDone || (kind === "segments" && isBetween(subject, start + at + 1, row[at + 2])) ? 1 : 0;
    }
  }
  return row;
}

function isIn(kind: Placeholder["kind"], subject: string, at: number): boolean {
  return kind === "anything" || subject.charCodeAt(at) !== SLASH;
}

/** A slash, and behind it the value can go on. */
function isBetween(subject: string, at: number, behind: number | undefined): boolean {
  return subject.charCodeAt(at) === SLASH && behind === 1;
}

function capture(
  parts: readonly Part[],
  rows: readonly Row[],
  subject: string,
  start: number,
): Params {
  // Without a prototype, so that no name finds anything that was not in the URL.
  const params = Object.create(null) as Record<string, string | string[]>;
  let at = start;
  for (const [i, part] of parts.entries()) {
    if (typeof part === "string") {
      at += part.length;
      continue;
    }
    const from = at + part.lead.length;
    const isThere = subject.startsWith(part.lead, at) && rows[i]?.value[from - start] === 1;
    if (!isThere) continue;
    at = endOf(part.kind, subject, from, (end) => rows[i + 1]?.whole[end - start] === 1);
    params[part.name] = valueOf(part, subject.slice(from, at));
  }
  return params;
}

/** A segment is as short as it can be, anything else as long. */
function endOf(
  kind: Placeholder["kind"],
  subject: string,
  from: number,
  isEnd: (end: number) => boolean,
): number {
  let last = from;
  for (let end = from; end <= subject.length; end++) {
    const isWhole = end > from || kind === "host" || kind === "anything";
    // A list does not end with a slash, nor has it two of them side by side.
    const isCut = kind === "segments" && subject.charCodeAt(end - 1) === SLASH;
    if (isWhole && !isCut && isEnd(end)) last = end;
    if (kind === "segment" && last > from) break;
    if (kind !== "anything" && subject.charCodeAt(end) === SLASH && (isCut || kind !== "segments"))
      break;
  }
  return last;
}

function valueOf({ separator }: Placeholder, text: string): string | string[] {
  return separator === undefined ? decoded(text) : text.split(separator).map(decoded);
}

/** What is no proper encoding stays as it is: the request was made, so its handler has to see it. */
function decoded(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
