// `crosswire proxy`: runs the reverse proxy until it is told to stop, and logs what it does.

import { createProxy, type ReverseProxy } from "../http/proxy/proxy.ts";
import { jsonLine, readableLine } from "../http/proxy/access-log.ts";
import type { ProxyOptions } from "../http/proxy/proxy-options.ts";
import { loadMicrofrontends } from "../http/microfrontends/load.ts";
import type { Microfrontends } from "../http/microfrontends/microfrontends.ts";
import {
  type Arguments,
  isSet,
  numberOf,
  pairsOf,
  readArguments,
  textOf,
  textsOf,
  UsageError,
} from "./arguments.ts";
import { banner } from "./banner.ts";
import { printPort } from "./print-port.ts";

const HELP = `crosswire proxy [microfrontends.json] [options]

Sends each request to the application that its path belongs to. Without a file it looks for microfrontends.json or
microfrontends.jsonc in the working directory and above it. As the "proxy" script of the default application it is what
Turborepo starts.

  -p, --port <n>         listen here instead of 3024
  --host <host>          listen here instead of 127.0.0.1; anything wider needs CROSSWIRE_TOKEN, for the status page
  --target <url>         send everything here, without a file
  --route <pattern=url>  send these paths there, without a file; may be repeated
  --names <app...>       the applications that are being started here (also --local-apps)
  --flag <name>          switch a routing flag on; may be repeated
  --hold <ms>            how long to hold requests for an application that is starting; 10000
  --allow-host <host>    answer to this Host too; may be repeated
  --allow-origin <url>   let pages of this origin open WebSockets; may be repeated
  --trust-forwarded      believe X-Forwarded-* and Forwarded of clients
  --print-port [app]     print the port of an application, or of the package in the working directory, and end
  --json                 log JSON lines
  --quiet                log no requests
  --config <file>        the same as the file without it
  -h, --help             print this
`;

export async function proxyCommand(args: readonly string[]): Promise<void> {
  const given = readArguments(args, OPTIONS, ["--names", "--local-apps"]);
  if (isSet(given, "help")) return void process.stdout.write(HELP);
  if (isSet(given, "print-port")) return printPort(given.positionals, textOf(given, "config"));
  const settings = settingsOf(given);
  const { source, microfrontends } = sourceOf(given);
  for (const warning of microfrontends?.warnings ?? []) process.stderr.write(`${warning}\n`);
  const proxy = create({ ...source, ...settings });
  await proxy.start();
  process.stdout.write(`${banner(proxy, source, isSet(given, "json"))}\n`);
  closeOnSignal(proxy);
}

/** What the options cannot mean is a misuse like any other. */
function create(options: ProxyOptions): ReverseProxy {
  try {
    return createProxy(options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}

const OPTIONS = {
  port: { type: "string", short: "p" },
  host: { type: "string" },
  config: { type: "string" },
  target: { type: "string" },
  route: { type: "string", multiple: true },
  names: { type: "string", multiple: true },
  "local-apps": { type: "string", multiple: true },
  flag: { type: "string", multiple: true },
  hold: { type: "string" },
  "allow-host": { type: "string", multiple: true },
  "allow-origin": { type: "string", multiple: true },
  "trust-forwarded": { type: "boolean" },
  "print-port": { type: "boolean" },
  json: { type: "boolean" },
  quiet: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

interface Source {
  readonly source: ProxyOptions;
  readonly microfrontends?: Microfrontends;
}

function sourceOf(given: Arguments): Source {
  const [file = textOf(given, "config"), ...others] = given.positionals;
  const target = textOf(given, "target");
  const routes = pairsOf(given, "route");
  const hasRoutes = Object.keys(routes).length > 0;
  if (others.length > 0)
    throw new UsageError(`What is ${JSON.stringify(others[0])}? One file is enough.`);
  if ([file !== undefined, target !== undefined, hasRoutes].filter(Boolean).length > 1)
    throw new UsageError("A file, --target and --route exclude each other; give one of them.");
  if (target !== undefined) return { source: { target } };
  if (hasRoutes) return { source: { routes } };
  const microfrontends = loadMicrofrontends(file);
  const localApps = [...textsOf(given, "names"), ...textsOf(given, "local-apps")];
  const flags = Object.fromEntries(textsOf(given, "flag").map((name) => [name, true]));
  return { source: { microfrontends, localApps, flags }, microfrontends };
}

function settingsOf(given: Arguments): Partial<ProxyOptions> {
  const [port, host, hold] = [
    numberOf(given, "port"),
    textOf(given, "host"),
    numberOf(given, "hold"),
  ];
  // SECURITY: never an option, because command lines can be seen by everybody on the machine.
  const token = process.env["CROSSWIRE_TOKEN"];
  const line = isSet(given, "json") ? jsonLine : readableLine;
  return {
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(hold === undefined ? {} : { limits: { proxyHoldMs: Math.max(1, hold) } }),
    ...(token === undefined ? {} : { token }),
    allowedHosts: textsOf(given, "allow-host"),
    allowedOrigins: textsOf(given, "allow-origin"),
    trustForwarded: isSet(given, "trust-forwarded"),
    ...(isSet(given, "quiet")
      ? {}
      : { onAccess: (entry) => void process.stdout.write(`${line(entry)}\n`) }),
  };
}

/** The first signal closes in order; a second one does not wait. */
function closeOnSignal(proxy: ReverseProxy): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      process.once(signal, () => process.exit(1));
      void proxy.close().then(() => process.exit(0));
    });
  }
}
