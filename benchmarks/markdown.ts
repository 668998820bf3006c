// How the reports write figures and tables, in Markdown and in JSON.

import type { Spread } from "./rpc/cells.ts";

export const NOTHING = "–";

export function table(head: readonly string[], lines: readonly string[][]): string {
  const rule = head.map(() => "---");
  return [head, rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

export function ranged({ median, min, max }: Spread, digits = 2): string {
  return `**${median.toFixed(digits)}** (${min.toFixed(digits)}..${max.toFixed(digits)})`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Four digits are more than these figures can carry, and they keep the file readable. */
export function toRoundedJson(content: unknown): string {
  const rounded = (_key: string, value: unknown): unknown =>
    typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
  return `${JSON.stringify(content, rounded, 2)}\n`;
}
