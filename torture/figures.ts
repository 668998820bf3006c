// What a scenario found out: figures beside what they have to be, and how they are printed.

export interface Figure {
  readonly property: string;
  readonly how: string;
  readonly goal: string;
  readonly measured: string;
  /** A promise, or a speed: on a busy machine a speed may be missed, a promise never. */
  readonly kind: "promise" | "speed";
  readonly isMet: boolean;
}

/** Of a list that need not be sorted. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function toTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ property, how, goal, measured, isMet }) =>
    [property, how, goal, measured, isMet ? "met" : "NOT MET"].join(" | "),
  );
  const head = ["property | how | goal | measured | result", "--- | --- | --- | --- | ---"];
  return [...head, ...rows].map((row) => `| ${row} |`).join("\n");
}
