// Microfrontends from a text or a value, without a file.

import { isCrosswireError } from "../../src/errors.ts";
import {
  type Microfrontends,
  parseMicrofrontends,
} from "../../src/http/microfrontends/microfrontends.ts";

/** What is written in place of a whole application: its paths. */
export type Paths = Readonly<Record<string, readonly string[]>>;

const FILE = "/work/microfrontends.json";
const SHOWN_AS = "microfrontends.json";

/** A value is written with two spaces of indentation, so its lines can be counted. */
export function parse(config: unknown): Microfrontends {
  const text = typeof config === "string" ? config : JSON.stringify(config, null, 2);
  return parseMicrofrontends(text, FILE, SHOWN_AS);
}

/** Microfrontends with the default application `web` and others that have these paths. */
export function routed(paths: Paths): Microfrontends {
  const others = Object.entries(paths).map(([name, list]) => [
    name,
    { routing: [{ paths: list }] },
  ]);
  return parse({ applications: { web: {}, ...Object.fromEntries(others) } });
}

/** The lines of the XW_CONFIG error that `config` is refused with. */
export function problemsOf(config: unknown): string[] {
  try {
    parse(config);
  } catch (error) {
    if (isCrosswireError(error, "XW_CONFIG")) return error.message.split("\n");
    throw error;
  }
  return [];
}
