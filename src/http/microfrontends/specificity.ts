// Which of two variants of patterns wins a path that both match, and whether there is such a path.

import type { Step, Variant } from "./path-pattern.ts";
import { canBothMatch, compareSpecificity } from "./piece.ts";

/** Below zero when `a` is the more specific one: compared from the left, as a trie is searched. Zero when neither is. */
export function compareVariants(a: Variant, b: Variant): number {
  const length = Math.max(a.steps.length, b.steps.length);
  for (let i = 0; i <= length; i++) {
    const byKind = kindAt(a, i) - kindAt(b, i);
    if (byKind !== 0) return byKind;
    const [stepA, stepB] = [a.steps[i], b.steps[i]];
    if (stepA === undefined || stepB === undefined) continue;
    const byPiece = compareSpecificity(stepA.piece, stepB.piece);
    if (byPiece !== 0) return byPiece;
  }
  return 0;
}

/** Whether some path matches both. May say yes in vain, never no in vain. */
export function canOverlap(a: Variant, b: Variant): boolean {
  return !areSoonApart(a.steps, b.steps) && new Overlap(a.steps, b.steps).isFrom(0, 0);
}

/** Whether two fixed segments part them: a thousand routes are half a million pairs, and nearly all end here. */
function areSoonApart(a: readonly Step[], b: readonly Step[]): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [one, two] = [a[i], b[i]];
    if (one === undefined || two === undefined || one.isMany || two.isMany) return false;
    if (one.piece.kind !== "literal" || two.piece.kind !== "literal") continue;
    if (one.piece.text !== two.piece.text) return true;
  }
  return false;
}

/** The end is more specific than a segment, and that more than any number of segments; least when nothing follows. */
function kindAt({ steps, needsSlash }: Variant, index: number): number {
  const step = steps[index];
  if (step === undefined) return needsSlash ? 2 : 0;
  if (!step.isMany) return 1;
  return index === steps.length - 1 ? 4 : 3;
}

/** Walks both at once, over all segments that fit both; each pair of places is looked at once. */
class Overlap {
  #a: readonly Step[];
  #b: readonly Step[];
  #seen = new Set<number>();

  constructor(a: readonly Step[], b: readonly Step[]) {
    this.#a = a;
    this.#b = b;
  }

  isFrom(i: number, j: number): boolean {
    const place = i * (this.#b.length + 1) + j;
    if (this.#seen.has(place)) return false;
    this.#seen.add(place);
    const [a, b] = [this.#a[i], this.#b[j]];
    if (a === undefined && b === undefined) return true;
    if (a?.isMany === true && this.isFrom(i + 1, j)) return true;
    if (b?.isMany === true && this.isFrom(i, j + 1)) return true;
    if (a === undefined || b === undefined || !canBothMatch(a.piece, b.piece)) return false;
    return this.isFrom(a.isMany ? i : i + 1, b.isMany ? j : j + 1);
  }
}
