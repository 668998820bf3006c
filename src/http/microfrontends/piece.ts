// What one segment of a path may be, and which of two such conditions is the more specific one.
// Every question here is answered in time linear in the segment; no regular expression is made from user text.

export type Piece =
  | { readonly kind: "literal"; readonly text: string }
  /** One of several texts: `(a|b)`, `pre-:x(a|b)`. */
  | { readonly kind: "choice"; readonly texts: readonly string[] }
  /** `pre-:x.js`: begins and ends so, with at least `min` characters between that hold no dot if `isDotless`. */
  | {
      readonly kind: "composed";
      readonly prefix: string;
      readonly suffix: string;
      readonly min: 0 | 1;
      readonly isDotless: boolean;
    }
  /** `((?!a|b).*)`: begins with none of them. */
  | { readonly kind: "not"; readonly prefixes: readonly string[] }
  | { readonly kind: "any" };

type Composed = Extract<Piece, { kind: "composed" }>;

/** The most specific first. */
const KINDS: readonly Piece["kind"][] = ["literal", "choice", "composed", "not", "any"];

export function isMatch(piece: Piece, segment: string): boolean {
  switch (piece.kind) {
    case "literal":
      return piece.text === segment;
    case "choice":
      return piece.texts.includes(segment);
    case "composed":
      return isComposedMatch(piece, segment);
    case "not":
      return !piece.prefixes.some((prefix) => segment.startsWith(prefix));
    case "any":
      return true;
  }
}

/** Equal for pieces that match the same. */
export function keyOf(piece: Piece): string {
  switch (piece.kind) {
    case "literal":
      return `=${piece.text}`;
    case "choice":
      return `|${sorted(piece.texts)}`;
    case "composed":
      return `+${piece.min}${piece.isDotless}${piece.prefix}/${piece.suffix}`;
    case "not":
      return `!${sorted(piece.prefixes)}`;
    case "any":
      return "*";
  }
}

/** In words, for explanations. */
export function wordsOf(piece: Piece): string {
  switch (piece.kind) {
    case "literal":
      return JSON.stringify(piece.text);
    case "choice":
      return `one of ${piece.texts.map((text) => JSON.stringify(text)).join(", ")}`;
    case "composed":
      return JSON.stringify(`${piece.prefix}…${piece.suffix}`);
    case "not":
      return `what begins with none of ${piece.prefixes.map((text) => JSON.stringify(text)).join(", ")}`;
    case "any":
      return "anything";
  }
}

/** Below zero when `a` is the more specific one; zero when neither is. */
export function compareSpecificity(a: Piece, b: Piece): number {
  const byKind = KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  if (byKind !== 0) return byKind;
  if (a.kind === "choice" && b.kind === "choice") return a.texts.length - b.texts.length;
  if (a.kind === "composed" && b.kind === "composed") return compareComposed(a, b);
  return 0;
}

/** Whether some segment matches both. May say yes in vain, never no in vain: warnings come of it, not routes. */
export function canBothMatch(a: Piece, b: Piece): boolean {
  if (a.kind === "literal") return isMatch(b, a.text);
  if (b.kind === "literal") return isMatch(a, b.text);
  if (a.kind === "choice") return a.texts.some((text) => isMatch(b, text));
  if (b.kind === "choice") return b.texts.some((text) => isMatch(a, text));
  if (a.kind === "composed" && b.kind === "composed") return canBothCompose(a, b);
  if (a.kind === "composed" && b.kind === "not") return isMatch(b, a.prefix);
  if (b.kind === "composed" && a.kind === "not") return isMatch(a, b.prefix);
  return true;
}

function isComposedMatch({ prefix, suffix, min, isDotless }: Composed, segment: string): boolean {
  const end = segment.length - suffix.length;
  if (end - prefix.length < min) return false;
  if (!segment.startsWith(prefix) || !segment.endsWith(suffix)) return false;
  if (!isDotless) return true;
  const dot = segment.indexOf(".", prefix.length);
  return dot === -1 || dot >= end;
}

/** More fixed text is more specific, then more of it in front; what fixes the same text still has its own rank. */
function compareComposed(a: Composed, b: Composed): number {
  const fixed = b.prefix.length + b.suffix.length - a.prefix.length - a.suffix.length;
  return (
    fixed ||
    b.prefix.length - a.prefix.length ||
    Number(b.isDotless) - Number(a.isDotless) ||
    b.min - a.min
  );
}

function canBothCompose(a: Composed, b: Composed): boolean {
  const areBegun = a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix);
  return areBegun && (a.suffix.endsWith(b.suffix) || b.suffix.endsWith(a.suffix));
}

function sorted(texts: readonly string[]): string {
  return [...texts].sort().join("|");
}
