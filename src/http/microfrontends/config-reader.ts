// Takes values of the expected type out of a parsed file and reports the others. Knows no names of settings.

import type { ConfigReport } from "./config-report.ts";
import type { JsonArray, JsonNode, JsonObject } from "./jsonc.ts";

const MAX_PORT = 65_535;

export class ConfigReader {
  readonly #report: ConfigReport;

  constructor(report: ConfigReport) {
    this.#report = report;
  }

  object(node: JsonNode | undefined, what: string): JsonObject | undefined {
    if (node === undefined || node.kind === "object") return node;
    return this.#refuse(node, what, "an object, { … }");
  }

  array(node: JsonNode | undefined, what: string): JsonArray | undefined {
    if (node === undefined || node.kind === "array") return node;
    return this.#refuse(node, what, "an array, [ … ]");
  }

  /** Never empty. */
  string(node: JsonNode | undefined, what: string): string | undefined {
    const value = node?.kind === "scalar" ? node.value : undefined;
    if (node === undefined || (typeof value === "string" && value !== "")) return value as string;
    return this.#refuse(node, what, "a text that is not empty");
  }

  boolean(node: JsonNode | undefined, what: string): boolean | undefined {
    const value = node?.kind === "scalar" ? node.value : undefined;
    if (node === undefined || typeof value === "boolean") return value as boolean;
    return this.#refuse(node, what, "true or false");
  }

  port(node: JsonNode | undefined, what: string): number | undefined {
    const value = node?.kind === "scalar" ? node.value : undefined;
    if (node === undefined || isPort(value)) return value as number;
    return this.#refuse(node, what, `a port from 1 to ${MAX_PORT}`);
  }

  /** Unknown settings are other tools', or misspelt: they are kept, and the user is told. */
  warnOfOthers(
    object: JsonObject,
    what: string,
    known: readonly string[],
    foreign: readonly string[] = [],
  ): void {
    for (const [name, { at }] of object.members) {
      if (known.includes(name) || foreign.includes(name)) continue;
      const text = `${JSON.stringify(name)} of ${what} is not known and has no effect; known: ${known.join(", ")}`;
      this.#report.warn(at, text);
    }
  }

  #refuse(node: JsonNode, what: string, wanted: string): undefined {
    const seen =
      node.kind === "scalar" ? JSON.stringify(node.value).slice(0, 80) : `an ${node.kind}`;
    this.#report.complain(node.at, `${what} is ${seen}; write ${wanted}`);
  }
}

export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= MAX_PORT;
}
