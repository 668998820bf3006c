// Reads command lines. What is not known is refused, with what is.

import { parseArgs, type ParseArgsConfig } from "node:util";

/** The command line cannot be understood. */
export class UsageError extends Error {
  override name = "UsageError";
}

type Options = NonNullable<ParseArgsConfig["options"]>;

export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * Reads `args` by `options`. The options of `lists` take all words up to the next option, as Turborepo writes them:
 * `--names web docs`.
 */
export function readArguments(
  args: readonly string[],
  options: Options,
  lists: readonly string[] = [],
): Arguments {
  try {
    const { values, positionals } = parseArgs({
      args: spread(args, lists),
      options,
      allowPositionals: true,
    });
    return { values, positionals };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `--names web docs` as `--names web --names docs`. */
function spread(args: readonly string[], lists: readonly string[]): string[] {
  const spreadArgs: string[] = [];
  let list: string | undefined;
  for (const arg of args) {
    if (arg.startsWith("-")) {
      list = lists.includes(arg) ? arg : undefined;
      if (list === undefined) spreadArgs.push(arg);
    } else if (list === undefined) spreadArgs.push(arg);
    else spreadArgs.push(list, arg);
  }
  return spreadArgs;
}

export function textOf({ values }: Arguments, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

export function textsOf({ values }: Arguments, name: string): readonly string[] {
  const value = values[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

export function isSet({ values }: Arguments, name: string): boolean {
  return values[name] === true;
}

export function numberOf(given: Arguments, name: string): number | undefined {
  const text = textOf(given, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) {
    throw new UsageError(`--${name} needs a whole number, but is ${JSON.stringify(text)}.`);
  }
  return Number(text);
}

/** `a=b` pairs of a repeated option. */
export function pairsOf(given: Arguments, name: string): Readonly<Record<string, string>> {
  const pairs = textsOf(given, name).map((text): [string, string] => {
    const equals = text.indexOf("=");
    if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
    throw new UsageError(`--${name} needs the form left=right, but is ${JSON.stringify(text)}.`);
  });
  return Object.fromEntries(pairs);
}
