// The rich codec, reading. The tree is foreign data: every tag is checked before it is believed.

import { CrosswireError } from "../errors.ts";
import { TAG, VIEWS } from "./rich-tags.ts";

/** The value of such a tree. Throws XW_FRAME for a tree `serialize` cannot have made, XW_LIMIT for a deep one. */
export function revive(tree: unknown, attachments: readonly Uint8Array[], depth: number): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (depth <= 0)
    throw new CrosswireError("XW_LIMIT", "A rich value nests deeper than limits.maxDepth.");
  const inner = (part: unknown): unknown => revive(part, attachments, depth - 1);
  if (Array.isArray(tree)) return tree.map(inner);
  const keys = Object.keys(tree);
  if (keys.length === 1 && keys[0] === TAG) {
    return readTagged((tree as { readonly [TAG]: unknown })[TAG], attachments, inner);
  }
  return readEntries(
    keys.map((key) => [key, (tree as Record<string, unknown>)[key]]),
    inner,
  );
}

type Inner = (part: unknown) => unknown;

function readTagged(tagged: unknown, attachments: readonly Uint8Array[], inner: Inner): unknown {
  if (!Array.isArray(tagged)) throw malformed("a tag that is not a list");
  const [name, content] = tagged as unknown[];
  switch (name) {
    case "undefined":
      return undefined;
    case "number":
      return readNumber(content);
    case "bigint":
      return readBigInt(content);
    case "date":
      return new Date(typeof content === "number" ? content : Number.NaN);
    case "url":
      return readUrl(content);
    case "set":
      return new Set(list(content).map(inner));
    case "map":
      return new Map(list(content).map((entry) => readPair(entry, inner)));
    case "object":
      return readEntries(
        list(content).map((entry) => list(entry)),
        inner,
      );
    case "error":
      return readError(content, inner);
    case "bytes":
      return attached(content, attachments);
    case "buffer":
      return copyOf(attached(content, attachments));
    case "view":
      return readView(list(content), attachments);
    default:
      throw malformed("an unknown tag");
  }
}

function readEntries(entries: readonly (readonly unknown[])[], inner: Inner): object {
  const result: Record<string, unknown> = {};
  for (const [key, part] of entries) {
    // SECURITY: assigning "__proto__" would change the prototype of the result.
    if (key === "__proto__" || typeof key !== "string") throw malformed("a refused key");
    result[key] = inner(part);
  }
  return result;
}

function readPair(entry: unknown, inner: Inner): [unknown, unknown] {
  const [key, value] = list(entry);
  return [inner(key), inner(value)];
}

function readNumber(content: unknown): number {
  if (content === "NaN" || content === "Infinity" || content === "-Infinity" || content === "-0") {
    return Number(content);
  }
  throw malformed("an unknown number");
}

function readBigInt(content: unknown): bigint {
  // Parsing decimal digits is quadratic, so a hostile number is bounded before it is read.
  if (typeof content === "string" && /^-?\d{1,10000}$/.test(content)) return BigInt(content);
  throw malformed("a BigInt that is not up to 10000 digits");
}

function readUrl(content: unknown): URL {
  if (typeof content === "string" && URL.canParse(content)) return new URL(content);
  throw malformed("a URL that is none");
}

function readError(content: unknown, inner: Inner): Error {
  if (typeof content !== "object" || content === null) throw malformed("an error that is none");
  const { name, message, code, data, cause } = content as Record<string, unknown>;
  if (typeof name !== "string" || typeof message !== "string")
    throw malformed("an error without texts");
  const error = new Error(message, cause === undefined ? undefined : { cause: inner(cause) });
  const extra = {
    name,
    ...(code === undefined ? {} : { code }),
    ...(data === undefined ? {} : { data: inner(data) }),
  };
  for (const [key, value] of Object.entries(extra)) {
    Object.defineProperty(error, key, {
      value,
      configurable: true,
      writable: true,
      enumerable: key !== "name",
    });
  }
  return error;
}

function readView(
  [name, index]: readonly unknown[],
  attachments: readonly Uint8Array[],
): ArrayBufferView {
  const View = typeof name === "string" ? VIEWS.get(name) : undefined;
  if (View === undefined) throw malformed("a view of an unknown type");
  const buffer = copyOf(attached(index, attachments));
  try {
    return new View(buffer);
  } catch (error) {
    throw malformed(`a ${View.name} of ${buffer.byteLength} bytes (${(error as Error).message})`);
  }
}

function attached(index: unknown, attachments: readonly Uint8Array[]): Uint8Array {
  const bytes = typeof index === "number" ? attachments[index] : undefined;
  if (bytes === undefined) throw malformed("a reference to an attachment that is not there");
  return bytes;
}

/** Typed arrays need their own aligned buffer; an attachment is a window into the frame. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
}

function list(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  throw malformed("a tag without its list");
}

function malformed(what: string): CrosswireError {
  return new CrosswireError("XW_FRAME", `A rich value could not be read: it holds ${what}.`);
}
