// Text frames: `type:id:path:data`, split at the first three colons only.
// Knows the letters and the grammar; what a message means is decided in channel/channel.ts.

export const FRAME_TYPE = {
  /** The base protocol, complete by itself. */
  message: "m",
  request: "r",
  response: "s",
  /** Extensions, sent only after both sides said hello. */
  cancel: "x",
  open: "o",
  item: "n",
  end: "e",
  upload: "u",
  uploadEnd: "f",
  credit: "w",
  uploadCredit: "v",
  uploadStop: "y",
  goAway: "g",
  ping: "p",
  pong: "q",
} as const;

export type FrameType = (typeof FRAME_TYPE)[keyof typeof FRAME_TYPE];

const MAX_PATH_LENGTH = 256;
const MAX_ID_LENGTH = 64;

export interface Frame {
  readonly type: FrameType;
  /** Up to the `;`: what an answer must carry. */
  readonly id: string;
  /** After the `;`: `t=5000;c=rich`. Read with `attribute()`. */
  readonly attributes: string;
  readonly path: string;
  readonly data: string;
}

const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.values(FRAME_TYPE));

/**
 * The frame in `text`, or in words what is wrong with it. Attributes are read only from peers that announced
 * them: for others a `;` is a part of the id.
 *
 * HOT: benchmarks/run.ts. Three `indexOf`: a `split(":")` would cut the JSON into one piece per colon.
 */
export function decodeFrame(text: string, hasAttributes: boolean): Frame | string {
  const type = text.charAt(0);
  if (text.charAt(1) !== ":" || !KNOWN_TYPES.has(type)) {
    return `unknown type ${quoted(text.slice(0, 8))}`;
  }
  const idEnd = text.indexOf(":", 2);
  const pathEnd = idEnd === -1 ? -1 : text.indexOf(":", idEnd + 1);
  if (pathEnd === -1) return "fewer than three colons";
  if (pathEnd - idEnd - 1 > MAX_PATH_LENGTH) return `a path of over ${MAX_PATH_LENGTH} characters`;
  const idField = text.slice(2, idEnd);
  const semicolon = hasAttributes ? idField.indexOf(";") : -1;
  const id = semicolon === -1 ? idField : idField.slice(0, semicolon);
  if (id.length > MAX_ID_LENGTH) return `an id of over ${MAX_ID_LENGTH} characters`;
  return {
    type: type as FrameType,
    id,
    attributes: semicolon === -1 ? "" : idField.slice(semicolon + 1),
    path: text.slice(idEnd + 1, pathEnd),
    data: text.slice(pathEnd + 1),
  };
}

/** `idField` is the id with its attributes, as made by `withAttributes()`. */
export function encodeFrame(
  type: FrameType,
  idField: string | number,
  path: string,
  data: string,
): string {
  return `${type}:${idField}:${path}:${data}`;
}

export type CallId = number | string;

/** More digits than these a number cannot hold exactly. */
const MAX_DIGITS = 15;
const ZERO = 0x30;

/**
 * An id as it is looked up. Crosswire's own are decimal counters, and only their one spelling is taken for one;
 * foreign peers may use other texts. HOT: benchmarks/run.ts.
 */
export function idOf(text: string): CallId {
  if (text.length === 0 || text.length > MAX_DIGITS) return text;
  let id = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9 || (digit === 0 && i === 0)) return text;
    id = id * 10 + digit;
  }
  return id;
}

/** The value of one attribute, `""` for one without a value, undefined when it is not there. */
export function attribute(attributes: string, name: string): string | undefined {
  if (attributes === "") return undefined;
  for (const part of attributes.split(";")) {
    const equals = part.indexOf("=");
    if ((equals === -1 ? part : part.slice(0, equals)) === name) {
      return equals === -1 ? "" : part.slice(equals + 1);
    }
  }
  return undefined;
}

/** Calls `visit` for each message of a frame that may carry several, joined by newlines. */
export function forEachMessage(frame: string, visit: (text: string) => void): void {
  let start = 0;
  for (let end = frame.indexOf("\n"); end !== -1; end = frame.indexOf("\n", start)) {
    visit(frame.slice(start, end));
    start = end + 1;
  }
  visit(start === 0 ? frame : frame.slice(start));
}

/** Why `path` cannot be used, in words; undefined when it can. */
export function pathFault(path: unknown): string | undefined {
  if (typeof path !== "string") return "it is not a string";
  if (path === "") return "it is empty";
  if (path.length > MAX_PATH_LENGTH) return `it is longer than ${MAX_PATH_LENGTH} characters`;
  if (path.includes(":")) return 'it contains ":"';
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return "it contains control characters";
  if (/\p{Surrogate}/u.test(path)) return "it contains half a surrogate pair";
  return undefined;
}

/** Foreign text for an error message: bounded and printable. */
function quoted(text: string, length = 40): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text;
  return JSON.stringify(cut);
}
