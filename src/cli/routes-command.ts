// `crosswire routes`: lists the routes of a microfrontends file, or explains what becomes of one path.

import { renderExplanation } from "../http/microfrontends/explanation.ts";
import { loadMicrofrontends } from "../http/microfrontends/load.ts";
import type { Microfrontends } from "../http/microfrontends/microfrontends.ts";
import { isSet, readArguments, textOf, textsOf, UsageError } from "./arguments.ts";

const HELP = `crosswire routes [microfrontends.json]
crosswire routes explain <path> [microfrontends.json]

  --flag <name>   explain as if this routing flag were on; may be repeated
  --json          print JSON
  --config <file> the same as the file without it
  -h, --help      print this
`;

const OPTIONS = {
  config: { type: "string" },
  flag: { type: "string", multiple: true },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export function routesCommand(args: readonly string[]): Promise<void> {
  const given = readArguments(args, OPTIONS);
  const asJson = isSet(given, "json");
  if (isSet(given, "help")) print(HELP);
  else if (given.positionals[0] === "explain") {
    const [, path, file = textOf(given, "config")] = given.positionals;
    if (path === undefined)
      throw new UsageError("crosswire routes explain needs a path, /docs/intro for example.");
    print(explain(loadMicrofrontends(file), pathIn(path), textsOf(given, "flag"), asJson));
  } else {
    const [file = textOf(given, "config")] = given.positionals;
    print(list(loadMicrofrontends(file), asJson));
  }
  return Promise.resolve();
}

function explain(
  { router, shownAs }: Microfrontends,
  path: string,
  flags: readonly string[],
  asJson: boolean,
): string {
  const explanation = router.explain(path, { flags: (flag) => flags.includes(flag) });
  if (!asJson) return renderExplanation(explanation, shownAs);
  const { app, ...rest } = explanation;
  return `${JSON.stringify({ ...rest, app: app.name }, undefined, 2)}\n`;
}

function list({ apps, shownAs, warnings }: Microfrontends, asJson: boolean): string {
  const rows = apps.flatMap(({ name, isDefault, rules, at }) =>
    isDefault
      ? [{ pattern: "(default)", app: name, at: `${shownAs}:${at.line}`, flag: undefined }]
      : rules.map(({ pattern, line, flag }) => ({
          pattern,
          app: name,
          at: `${shownAs}:${line}`,
          flag,
        })),
  );
  if (asJson) return `${JSON.stringify({ routes: rows, warnings }, undefined, 2)}\n`;
  const widths = [
    Math.max(...rows.map(({ pattern }) => pattern.length)),
    Math.max(...rows.map(({ app }) => app.length)),
  ] as const;
  const lines = rows.map(
    ({ pattern, app, at, flag }) =>
      `${pattern.padEnd(widths[0])}  ${app.padEnd(widths[1])}  ${at}${flag === undefined ? "" : `  flag ${flag}`}`,
  );
  return `${[...lines, ...warnings.map((warning) => `warning: ${warning}`)].join("\n")}\n`;
}

/** A whole URL may be pasted. */
function pathIn(text: string): string {
  const path = text.replace(/^https?:\/\/[^/?#]*/i, "");
  return path.startsWith("/") ? path : `/${path}`;
}

function print(text: string): void {
  process.stdout.write(text);
}
