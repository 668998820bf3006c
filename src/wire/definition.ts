// Definitions at run time: a definition is its path, a plain string; what else is known of it
// (schemas, timeout, codec) is kept in a table that all copies of this package in the process share.

import { assertPositive } from "../limits.ts";
import type { DefinitionOptions, Kind } from "./definition-types.ts";
import { pathFault } from "./frame.ts";
import type { Codec } from "./payload.ts";
import type { StandardSchema } from "./schema.ts";

export interface Definition {
  readonly path: string;
  readonly kind: Kind;
  readonly input: StandardSchema | undefined;
  readonly output: StandardSchema | undefined;
  readonly timeoutMs: number | undefined;
  readonly idempotent: boolean;
  readonly codec: Codec;
}

interface Entry {
  readonly definition: Definition;
  /** Made where define* was called. Its stack is made into text when it is first read, which few ever need. */
  readonly made: Error;
}

const TABLE_KEY: unique symbol = Symbol.for("crosswire.definitions") as never;

/** Checks and records a definition; returns its path. Throws TypeError for a bad path or a clash. */
export function define(kind: Kind, path: string, options: DefinitionOptions = {}): never {
  const fault =
    pathFault(path) ??
    (path.startsWith("$") ? 'paths that begin with "$" are reserved' : undefined);
  if (fault !== undefined) {
    throw new TypeError(`The path ${JSON.stringify(path)} cannot be defined: ${fault}.`);
  }
  assertOptions(path, options);
  const definition: Definition = {
    path,
    kind,
    input: options.input,
    output: options.output,
    timeoutMs: options.timeoutMs,
    idempotent: options.idempotent ?? false,
    codec: options.codec ?? "json",
  };
  record({ definition, made: new Error() });
  // The types exist only in the declaration: at run time a definition is its path.
  return path as never;
}

/** What is known of a path. A bare string that was never defined gets the defaults. */
export function definitionOf(kind: Kind, path: string): Definition {
  const definition = table().get(path)?.definition;
  if (definition === undefined) return defaults(kind, path);
  if (definition.kind !== kind) {
    throw new TypeError(
      `${JSON.stringify(path)} is defined as a ${definition.kind}, not as a ${kind}.`,
    );
  }
  return definition;
}

function defaults(kind: Kind, path: string): Definition {
  const fault = pathFault(path);
  if (fault !== undefined)
    throw new TypeError(`The path ${JSON.stringify(path)} is unusable: ${fault}.`);
  return {
    path,
    kind,
    input: undefined,
    output: undefined,
    timeoutMs: undefined,
    idempotent: false,
    codec: "json",
  };
}

function table(): Map<string, Entry> {
  const shared = globalThis as { [TABLE_KEY]?: Map<string, Entry> };
  return (shared[TABLE_KEY] ??= new Map());
}

function record(entry: Entry): void {
  const { path } = entry.definition;
  const known = table().get(path);
  const difference = known && differenceOf(known.definition, entry.definition);
  if (known !== undefined && difference !== undefined) {
    // The same line again is a reloaded module, another one is a clash.
    const [before, now] = [siteOf(known), siteOf(entry)];
    if (before !== now) {
      throw new TypeError(
        `${JSON.stringify(path)} is defined twice with different ${difference}: ` +
          `at ${before} and at ${now}. Share one definition, or use another path.`,
      );
    }
  }
  table().set(path, entry);
}

function differenceOf(a: Definition, b: Definition): string | undefined {
  const keys = ["kind", "input", "output", "timeoutMs", "idempotent", "codec"] as const;
  return keys.find((key) => a[key] !== b[key]);
}

/** Before the user's: `define`, and the static method that called it. */
const OWN_FRAMES = 2;

/** The line that called define*. */
function siteOf({ made }: Entry): string {
  const site = made.stack?.split("\n").slice(1)[OWN_FRAMES];
  // Bundlers' reload queries (?t=123) differ each time the same module is loaded.
  return (
    site
      ?.trim()
      .replace(/^at /, "")
      .replace(/\?[^:)]*/, "") ?? "an unknown place"
  );
}

function assertOptions(path: string, options: DefinitionOptions): void {
  const { timeoutMs, codec, input, output } = options;
  const where = `The definition of ${JSON.stringify(path)}`;
  if (timeoutMs !== undefined) assertPositive(`timeoutMs of ${JSON.stringify(path)}`, timeoutMs);
  if (codec !== undefined && codec !== "json" && codec !== "rich") {
    throw new TypeError(`${where} has codec ${String(codec)}; there are "json" and "rich".`);
  }
  for (const [name, schema] of Object.entries({ input, output })) {
    if (schema !== undefined && typeof schema["~standard"]?.validate !== "function") {
      throw new TypeError(
        `${where} has an ${name} that is not a Standard Schema (zod, valibot, …).`,
      );
    }
  }
}
