// All variants of all patterns as one automaton over segments: each segment of a path is looked at once, with all
// places in the trie that the path may have led to so far. So the time is linear in the path, and patterns with
// other beginnings cost nothing, however many there are.
// HOT: benchmarks/proxy compares 10, 100 and 1,000 routes.

import type { Step, Variant } from "./path-pattern.ts";
import { isMatch, keyOf, type Piece } from "./piece.ts";
import type { RoutingPath } from "../routing-path.ts";

/** How far a path came. */
export interface Walk {
  /** The numbers of the variants that match, in no order. */
  readonly found: readonly number[];
  /** Segments after which there was still a way on. */
  readonly depth: number;
}

interface Branch {
  readonly piece: Piece;
  readonly place: Place;
}

export class SegmentTrie {
  #root = new Place(undefined);

  /** `id` is what a walk finds where this variant matches. */
  add({ steps, needsSlash }: Variant, id: number): void {
    let place = this.#root;
    for (const step of steps) place = place.next(step);
    (needsSlash ? place.foundAtSlash : place.found).push(id);
  }

  walk({ segments, endsWithSlash }: RoutingPath): Walk {
    let places = entered([this.#root]);
    let depth = 0;
    for (const segment of segments) {
      const reached: Place[] = [];
      for (const place of places) place.follow(segment, reached);
      places = entered(reached);
      if (places.length === 0) return { found: [], depth };
      depth++;
    }
    const found: number[] = [];
    for (const place of places) {
      for (const id of place.found) found.push(id);
      if (endsWithSlash) for (const id of place.foundAtSlash) found.push(id);
    }
    return { found, depth };
  }
}

/** Where a path may be after some segments. */
class Place {
  /** The variants that end here. */
  readonly found: number[] = [];
  readonly foundAtSlash: number[] = [];
  /** Entered without a segment, and left by as many as match its `loop`. */
  readonly repeating = new Map<string, Place>();
  #loop: Piece | undefined;
  #literals = new Map<string, Place>();
  #choices = new Map<string, Place>();
  #choicesByText = new Map<string, Place[]>();
  #composedByPrefix = new Map<string, Branch[]>();
  #prefixLengths: number[] = [];
  #others: Branch[] = [];

  constructor(loop: Piece | undefined) {
    this.#loop = loop;
  }

  /** The place that `step` leads to; the same one for equal steps. */
  next({ piece, isMany }: Step): Place {
    const key = keyOf(piece);
    if (isMany) return placeAt(this.repeating, key, piece);
    switch (piece.kind) {
      case "literal":
        return placeAt(this.#literals, piece.text);
      case "choice":
        return this.#nextChoice(piece.texts, key);
      case "composed":
        return this.#nextComposed(piece, piece.prefix);
      default:
        return branchOf(this.#others, piece);
    }
  }

  /** Adds to `reached` where `segment` leads from here. */
  follow(segment: string, reached: Place[]): void {
    if (this.#loop !== undefined && isMatch(this.#loop, segment)) reached.push(this);
    const literal = this.#literals.get(segment);
    if (literal !== undefined) reached.push(literal);
    for (const place of this.#choicesByText.get(segment) ?? []) reached.push(place);
    for (const length of this.#prefixLengths) {
      if (length > segment.length) continue;
      const branches = this.#composedByPrefix.get(segment.slice(0, length)) ?? [];
      followAll(branches, segment, reached);
    }
    followAll(this.#others, segment, reached);
  }

  #nextChoice(texts: readonly string[], key: string): Place {
    const known = this.#choices.get(key);
    if (known !== undefined) return known;
    const place = placeAt(this.#choices, key);
    for (const text of texts) {
      const places = this.#choicesByText.get(text) ?? [];
      this.#choicesByText.set(text, [...places, place]);
    }
    return place;
  }

  #nextComposed(piece: Piece, prefix: string): Place {
    const branches = this.#composedByPrefix.get(prefix) ?? [];
    this.#composedByPrefix.set(prefix, branches);
    if (!this.#prefixLengths.includes(prefix.length)) this.#prefixLengths.push(prefix.length);
    return branchOf(branches, piece);
  }
}

/** With the places that can be entered without a segment. Each place once. */
function entered(places: readonly Place[]): readonly Place[] {
  if (places.every(({ repeating }) => repeating.size === 0)) return places;
  const all = new Set<Place>();
  for (const place of places) enter(place, all);
  return [...all];
}

function enter(place: Place, all: Set<Place>): void {
  all.add(place);
  for (const next of place.repeating.values()) enter(next, all);
}

function followAll(branches: readonly Branch[], segment: string, reached: Place[]): void {
  for (const { piece, place } of branches) {
    if (isMatch(piece, segment)) reached.push(place);
  }
}

function placeAt(places: Map<string, Place>, key: string, loop?: Piece): Place {
  const known = places.get(key);
  if (known !== undefined) return known;
  const place = new Place(loop);
  places.set(key, place);
  return place;
}

function branchOf(branches: Branch[], piece: Piece): Place {
  const key = keyOf(piece);
  const known = branches.find((branch) => keyOf(branch.piece) === key);
  if (known !== undefined) return known.place;
  const place = new Place(undefined);
  branches.push({ piece, place });
  return place;
}
