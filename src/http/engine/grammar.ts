// What an HTTP/1.1 head may look like: everything this grammar does not know is refused, from either side.
// SECURITY: it runs in linear time, and no bare CR or LF, folded line, space before a colon or control character gets through.

const FIELD = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+:[\\t\\x20-\\x7e\\x80-\\xff]*\\r\\n";

/** Status line and fields, up to the empty line. */
const RESPONSE_HEAD = new RegExp(
  `HTTP/1\\.[01] [1-9]\\d\\d(?: [\\t\\x20-\\x7e\\x80-\\xff]*)?\\r\\n(?:${FIELD})*\\r\\n`,
  "y",
);
const FIELDS = new RegExp(`(?:${FIELD})*`, "y");
const REQUEST_TARGET = /^[\x21\x22\x24-\x7e\x80-\xff]+$/;

export interface HeadMatch {
  readonly minor: 0 | 1;
  readonly status: number;
  readonly statusText: string;
  /** Where the status line ends, and the fields begin. */
  readonly fieldsAt: number;
  /** Where the empty line ends. */
  readonly end: number;
}

/** Undefined when what stands at `from` is not one whole response head. */
export function matchResponseHead(text: string, from: number): HeadMatch | undefined {
  RESPONSE_HEAD.lastIndex = from;
  if (!RESPONSE_HEAD.test(text)) return undefined;
  // HOT: `HTTP/1.1 200 OK` has its parts at known places; groups would be a list of copies, benchmarks/proxy.
  const lineEnd = text.indexOf("\r\n", from);
  return {
    minor: text[from + 7] === "1" ? 1 : 0,
    status: Number(text.slice(from + 9, from + 12)),
    statusText: text.slice(from + 13, lineEnd),
    fieldsAt: lineEnd + 2,
    end: RESPONSE_HEAD.lastIndex,
  };
}

/** Whether `text` is nothing but `name: value` lines. */
export function areFields(text: string): boolean {
  FIELDS.lastIndex = 0;
  FIELDS.test(text);
  return FIELDS.lastIndex === text.length;
}

/** Whether this is one field: a line break in it would make it two. */
export function isField(name: string, value: string): boolean {
  return !/[\r\n]/.test(name + value) && areFields(`${name}: ${value}\r\n`);
}

/** Whether `target` can stand in a request line without ending it early. */
export function isRequestTarget(target: string): boolean {
  return REQUEST_TARGET.test(target);
}
