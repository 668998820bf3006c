// JSON with comments and trailing commas, read in one pass: each value knows its line and column.
// What the values mean is decided elsewhere.

/** Where something stands in its file, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface JsonObject {
  readonly kind: "object";
  readonly at: Position;
  /** SECURITY: a map, so that a member named `__proto__` is a member and nothing else. */
  readonly members: ReadonlyMap<string, JsonMember>;
}

export interface JsonMember {
  readonly at: Position;
  readonly value: JsonNode;
}

export interface JsonArray {
  readonly kind: "array";
  readonly at: Position;
  readonly items: readonly JsonNode[];
}

export interface JsonScalar {
  readonly kind: "scalar";
  readonly at: Position;
  readonly value: string | number | boolean | null;
}

export type JsonNode = JsonObject | JsonArray | JsonScalar;

/** Told of each problem: where, and what is wrong and what to do. */
export type Complain = (at: Position, text: string) => void;

const MAX_DEPTH = 64;
const WORDS = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
]);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;

/** Undefined when the text cannot be read to its end; `complain` has heard why. */
export function parseJsonc(text: string, complain: Complain): JsonNode | undefined {
  return new Parser(text, complain).parse();
}

/** The value without its positions; objects have no prototype. */
export function plainValue(node: JsonNode): unknown {
  if (node.kind === "scalar") return node.value;
  if (node.kind === "array") return node.items.map(plainValue);
  const plain = Object.create(null) as Record<string, unknown>;
  for (const [name, { value }] of node.members) plain[name] = plainValue(value);
  return plain;
}

/** Ends the reading: what follows a fault of the syntax cannot be told from nonsense. */
class Fault extends Error {
  readonly at: Position;

  constructor(at: Position, message: string) {
    super(message);
    this.at = at;
  }
}

class Parser {
  #text: string;
  #complain: Complain;
  #offset: number;
  #line = 1;
  #lineStart: number;

  constructor(text: string, complain: Complain) {
    this.#text = text;
    this.#complain = complain;
    // A byte order mark is no part of the first line.
    this.#offset = this.#lineStart = text.startsWith("\uFEFF") ? 1 : 0;
  }

  parse(): JsonNode | undefined {
    try {
      this.#skipBlank();
      const root = this.#value(0);
      this.#skipBlank();
      if (this.#offset < this.#text.length)
        throw this.#fault(`${this.#seen()} follows the end of the value; remove it`);
      return root;
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.#complain(fault.at, fault.message);
      return undefined;
    }
  }

  #value(depth: number): JsonNode {
    if (depth > MAX_DEPTH)
      throw this.#fault(`values nest deeper than ${MAX_DEPTH} levels; flatten them`);
    const at = this.#here();
    switch (this.#text[this.#offset]) {
      case "{":
        return this.#object(at, depth);
      case "[":
        return this.#array(at, depth);
      case '"':
        return { kind: "scalar", at, value: this.#string() };
      default:
        return { kind: "scalar", at, value: this.#numberOrWord() };
    }
  }

  #object(at: Position, depth: number): JsonObject {
    const members = new Map<string, JsonMember>();
    this.#list("}", () => {
      const nameAt = this.#here();
      if (this.#text[this.#offset] !== '"')
        throw this.#fault(`${this.#seen()} is no name; write names in double quotes`);
      const name = this.#string();
      this.#skipBlank();
      if (this.#text[this.#offset] !== ":")
        throw this.#fault(`${this.#seen()} stands where a ":" follows a name`);
      this.#offset++;
      this.#skipBlank();
      const value = this.#value(depth + 1);
      const first = members.get(name);
      if (first === undefined) return void members.set(name, { at: nameAt, value });
      const text = `${JSON.stringify(name)} is given a second time, first on line ${first.at.line}; remove one`;
      this.#complain(nameAt, text);
    });
    return { kind: "object", at, members };
  }

  #array(at: Position, depth: number): JsonArray {
    const items: JsonNode[] = [];
    this.#list("]", () => void items.push(this.#value(depth + 1)));
    return { kind: "array", at, items };
  }

  /** What stands between brackets and commas; the last comma may be one too many. */
  #list(end: "}" | "]", readItem: () => void): void {
    const open = this.#here();
    this.#offset++;
    for (;;) {
      this.#skipBlank();
      if (this.#text[this.#offset] === end) break;
      this.#assertMore(end, open);
      readItem();
      this.#skipBlank();
      if (this.#text[this.#offset] === ",") this.#offset++;
      else if (this.#text[this.#offset] !== end) {
        this.#assertMore(end, open);
        throw this.#fault(`${this.#seen()} stands where "," or "${end}" is due`);
      }
    }
    this.#offset++;
  }

  #assertMore(end: string, open: Position): void {
    if (this.#offset < this.#text.length) return;
    throw this.#fault(
      `the file ends inside what was opened at ${open.line}:${open.column}; close it with "${end}"`,
    );
  }

  #string(): string {
    const start = this.#here();
    const from = this.#offset;
    for (let i = from + 1; i < this.#text.length; i++) {
      const code = this.#text.charCodeAt(i);
      if (code === 0x5c) i++;
      else if (code < 0x20) break;
      else if (code === 0x22) {
        this.#offset = i + 1;
        return this.#unescape(this.#text.slice(from, i + 1), start);
      }
    }
    throw new Fault(start, 'this text does not end on its line; close it with "');
  }

  #unescape(quoted: string, at: Position): string {
    try {
      return JSON.parse(quoted) as string;
    } catch {
      throw new Fault(at, `${quoted.slice(0, 40)} has an escape that JSON does not know`);
    }
  }

  #numberOrWord(): number | boolean | null {
    const number = this.#take(NUMBER);
    if (number !== undefined) return Number(number);
    const at = this.#here();
    const seen = this.#seen();
    const value = WORDS.get(this.#take(WORD) ?? "");
    if (value === undefined) throw new Fault(at, `${seen} is no JSON value`);
    return value;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#offset;
    const found = pattern.exec(this.#text)?.[0];
    this.#offset += found?.length ?? 0;
    return found;
  }

  #skipBlank(): void {
    for (; this.#offset < this.#text.length; this.#offset++) {
      const char = this.#text[this.#offset];
      if (char === "\n") this.#newLine();
      else if (char === "/") this.#skipComment();
      else if (char !== " " && char !== "\t" && char !== "\r") return;
    }
  }

  /** Stops on the last character of the comment. */
  #skipComment(): void {
    const start = this.#here();
    const second = this.#text[this.#offset + 1];
    if (second === "/") {
      const end = this.#text.indexOf("\n", this.#offset);
      this.#offset = (end === -1 ? this.#text.length : end) - 1;
      return;
    }
    if (second !== "*") throw this.#fault('"/" begins neither a comment nor a value');
    const end = this.#text.indexOf("*/", this.#offset + 2);
    if (end === -1) throw new Fault(start, "this comment has no end; close it with */");
    for (; this.#offset < end; this.#offset++) {
      if (this.#text[this.#offset] === "\n") this.#newLine();
    }
    this.#offset = end + 1;
  }

  #newLine(): void {
    this.#line++;
    this.#lineStart = this.#offset + 1;
  }

  #here(): Position {
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  #seen(): string {
    const char = this.#text.codePointAt(this.#offset);
    return char === undefined ? "the end of the file" : JSON.stringify(String.fromCodePoint(char));
  }

  #fault(text: string): Fault {
    return new Fault(this.#here(), text);
  }
}
