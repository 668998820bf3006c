// From rounds to cells: ratios paired by round, their median and their spread.

import type { Rounds } from "./rounds.ts";
import type { Segment } from "./segment.ts";

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export type Figure = (segment: Segment) => number | undefined;

export const rate: Figure = (segment) => segment.rate || undefined;
export const cpuMicros: Figure = (segment) => segment.cpuMicros || undefined;
export const kilobytes: Figure = (segment) => segment.kilobytes;
export const p50Micros: Figure = (segment) => segment.p50Micros;
export const p99Micros: Figure = (segment) => segment.p99Micros;

/** `undefined` when no round has the figure. */
export function spread(rounds: Rounds | undefined, figure: Figure): Spread | undefined {
  return spreadOf((rounds ?? []).map((segment) => segment && figure(segment)));
}

/** Each round of one peer against the same round of another. */
export function pairedSpread(
  rounds: Rounds | undefined,
  against: Rounds | undefined,
  figure: Figure,
  combine: (own: number, other: number) => number,
): Spread | undefined {
  const values = (rounds ?? []).map((segment, round) => {
    const other = against?.[round];
    const [own, base] = [segment && figure(segment), other && figure(other)];
    return own === undefined || base === undefined ? undefined : combine(own, base);
  });
  return spreadOf(values);
}

export function ratio(own: number, other: number): number {
  return own / other;
}

export function difference(own: number, other: number): number {
  return own - other;
}

function spreadOf(values: readonly (number | undefined)[]): Spread | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const [min, max] = [sorted.at(0), sorted.at(-1)];
  if (min === undefined || max === undefined) return undefined;
  return { median: median(sorted), min, max };
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
