// Which header fields belong to one connection only, and what the others say of the message.
// RFC 9110 7.6.1: such fields, and those that Connection nominates, are never passed on.

/** What a field is to a proxy. Only names of a length that occurs here are looked up. */
const KINDS_BY_NAME: readonly (readonly [name: string, kind: FieldKind])[] = [
  ["connection", "connection"],
  ["content-length", "content-length"],
  ["content-type", "content-type"],
  ["date", "date"],
  ["expect", "expect"],
  ["forwarded", "forwarded"],
  ["host", "host"],
  ["http2-settings", "hop"],
  ["keep-alive", "keep-alive"],
  ["proxy-authenticate", "hop"],
  ["proxy-authentication-info", "hop"],
  ["proxy-authorization", "hop"],
  ["proxy-connection", "hop"],
  ["te", "te"],
  ["trailer", "trailer"],
  ["transfer-encoding", "transfer-encoding"],
  ["upgrade", "upgrade"],
  ["via", "via"],
];
/** HOT: also as they are mostly written, which saves most names from being written anew, benchmarks/proxy. */
const KINDS = new Map<string, FieldKind>(
  KINDS_BY_NAME.flatMap(([name, kind]) => [
    [name, kind],
    [capitalized(name), kind],
  ]),
);

export type FieldKind =
  | "connection"
  | "content-length"
  | "content-type"
  | "date"
  | "expect"
  | "forwarded"
  | "hop"
  | "host"
  | "keep-alive"
  | "te"
  | "trailer"
  | "transfer-encoding"
  | "upgrade"
  | "via";

const LONGEST = 32;
const KNOWN_LENGTHS = new Uint8Array(LONGEST + 1);
for (const name of KINDS.keys()) KNOWN_LENGTHS[name.length] = 1;

/** `Content-Length` for `content-length`. */
function capitalized(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (first) => first.toUpperCase());
}

/** Nominating these would take the framing, or the address, out of a message. */
const NEVER_NOMINATED = new Set([
  "",
  "close",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "host",
  "date",
]);

/** HOT: asked for each field of each message, benchmarks/proxy. */
export function kindOf(name: string): FieldKind | undefined {
  const { length } = name;
  if (length > LONGEST || KNOWN_LENGTHS[length] !== 1) {
    return isForwardedName(name) ? "forwarded" : undefined;
  }
  const kind = KINDS.get(name) ?? KINDS.get(name.toLowerCase());
  return kind ?? (isForwardedName(name) ? "forwarded" : undefined);
}

/** `X-Forwarded-For`, and whatever else claims to know where a request came from. */
function isForwardedName(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  return first === 0x78 && name.length > 11 && /^x-forwarded-/i.test(name);
}

/** The lower-case names that Connection fields nominate; undefined when there are none. */
export function nominatedBy(connection: string): Set<string> | undefined {
  if (connection === "" || connection === "keep-alive" || connection === "close") return undefined;
  const tokens = new Set(connection.toLowerCase().split(",").map(trimmed));
  for (const token of NEVER_NOMINATED) tokens.delete(token);
  return tokens.size === 0 ? undefined : tokens;
}

/** `fields` without those of these lower-case names. */
export function withoutFields(fields: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (!names.has(name.toLowerCase())) kept.push(name, fields[i + 1] as string);
  }
  return kept;
}

/** Whether a list such as that of Connection has this lower-case token. */
export function hasToken(list: string, token: string): boolean {
  if (list === token) return true;
  if (list === "" || list === "keep-alive") return false;
  return list.toLowerCase().split(",").map(trimmed).includes(token);
}

/** Trailers that may be passed on: none that would have framed or routed the message, had it come first. */
export function safeTrailers(trailers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] as string;
    if (kindOf(name) === undefined) kept.push(name, trailers[i + 1] as string);
  }
  return kept;
}

/** `name: value` lines, taken apart. The text went through the grammar before. */
export function fieldsOf(text: string, from: number, end: number): string[] {
  const fields: string[] = [];
  for (let at = from; at < end;) {
    const colon = text.indexOf(":", at);
    const lineEnd = text.indexOf("\r\n", colon);
    fields.push(text.slice(at, colon), trimmedPart(text, colon + 1, lineEnd));
    at = lineEnd + 2;
  }
  return fields;
}

function trimmed(value: string): string {
  return trimmedPart(value, 0, value.length);
}

/**
 * Without spaces and tabs around it; `trim()` would take characters that are part of a value.
 * HOT: one copy in place of two, benchmarks/proxy.
 */
export function trimmedPart(text: string, from: number, end: number): string {
  let start = from;
  let stop = end;
  while (start < stop && isBlank(text.charCodeAt(start))) start++;
  while (stop > start && isBlank(text.charCodeAt(stop - 1))) stop--;
  return text.slice(start, stop);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
