// What there is to say about a configuration file: all problems together in one error, and warnings beside it.

import { CrosswireError } from "../../errors.ts";
import type { Position } from "./jsonc.ts";

export class ConfigReport {
  readonly #file: string;
  #problems: [Position, string][] = [];
  #warnings: [Position, string][] = [];

  /** `file` is named as the reader would type it. */
  constructor(file: string) {
    this.#file = file;
  }

  get warnings(): readonly string[] {
    return inOrder(this.#warnings).map(([at, text]) => `${this.where(at)}: ${text}`);
  }

  /** Bound, because a parser takes it as a function. */
  readonly complain = (at: Position, text: string): void => void this.#problems.push([at, text]);

  warn(at: Position, text: string): void {
    this.#warnings.push([at, text]);
  }

  /** What `read` returns; when it throws XW_CONFIG, undefined, and a problem more. */
  attempt<T>(at: Position, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof CrosswireError) || error.code !== "XW_CONFIG") throw error;
      this.complain(at, error.message);
      return undefined;
    }
  }

  /** `microfrontends.json:12:9`, which editors and terminals can follow. */
  where({ line, column }: Position): string {
    return `${this.#file}:${line}:${column}`;
  }

  /** Throws XW_CONFIG with every problem on a line of its own; `detail.problems` has them as data. */
  assertSound(): void {
    if (this.#problems.length === 0) return;
    const problems = inOrder(this.#problems);
    const lines = problems.map(([at, text]) => `${this.where(at)}: ${text}`);
    const detail = {
      problems: problems.map(([at, text]) => ({ file: this.#file, ...at, text })),
    };
    throw new CrosswireError("XW_CONFIG", lines.join("\n"), { detail });
  }
}

function inOrder(entries: readonly [Position, string][]): [Position, string][] {
  return [...entries].sort(([a], [b]) => a.line - b.line || a.column - b.column);
}
