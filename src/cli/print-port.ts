// `crosswire proxy --print-port`: the port on which an application is to listen, checked to be free.

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Application } from "../http/microfrontends/application.ts";
import { loadMicrofrontends } from "../http/microfrontends/load.ts";
import type { Microfrontends } from "../http/microfrontends/microfrontends.ts";
import { PortBook } from "../http/microfrontends/port-book.ts";
import { UsageError } from "./arguments.ts";

/** For scripts: `vite --port $(crosswire proxy --print-port)`. Prints the number and nothing else. */
export async function printPort(
  words: readonly string[],
  config: string | undefined,
): Promise<void> {
  if (words.length > 1) throw new UsageError("--print-port takes the name of one application.");
  const microfrontends = loadMicrofrontends(config);
  const [name] = words;
  const app = name === undefined ? ownApp(microfrontends) : namedApp(microfrontends, name);
  assertSameAsTurborepo(app, microfrontends);
  const port = await new PortBook(microfrontends).reserve(app);
  process.stdout.write(`${port}\n`);
}

/** Turborepo gives its tasks the port that it worked out; a script that gets two of them would listen on the wrong one. */
function assertSameAsTurborepo({ name, local }: Application, { shownAs }: Microfrontends): void {
  const given = process.env["TURBO_MFE_PORT"];
  if (given === undefined || given === "" || Number(given) === local.port) return;
  throw new UsageError(
    `TURBO_MFE_PORT is ${JSON.stringify(given)}, but ${shownAs} gives ${JSON.stringify(name)} port ${local.port}; ` +
      'write the port in "development.local", so that all agree.',
  );
}

function namedApp(microfrontends: Microfrontends, name: string): Application {
  const { apps, shownAs } = microfrontends;
  const app = apps.find((known) => known.name === name) ?? microfrontends.appOfPackage(name);
  if (app !== undefined) return app;
  const known = apps.map((one) => one.name).join(", ");
  throw new UsageError(`${shownAs} has no application ${JSON.stringify(name)}; it has ${known}.`);
}

/** The application of the package that the working directory is in. */
function ownApp(microfrontends: Microfrontends): Application {
  const name = packageName(resolve("."));
  if (name === undefined)
    throw new UsageError(
      "There is no package.json with a name here or above; give the application's name.",
    );
  const app = microfrontends.appOfPackage(name);
  if (app !== undefined) return app;
  throw new UsageError(
    `The package ${JSON.stringify(name)} is no application of ${microfrontends.shownAs}; name one: --print-port <app>.`,
  );
}

function packageName(directory: string): string | undefined {
  try {
    const text = readFileSync(join(directory, "package.json"), "utf8");
    const { name } = JSON.parse(text) as { name?: unknown };
    if (typeof name === "string") return name;
  } catch {
    // No package here, or none that npm could read; one further up may be.
  }
  return dirname(directory) === directory ? undefined : packageName(dirname(directory));
}
