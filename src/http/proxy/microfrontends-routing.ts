// Routes of a microfrontends file: its paths, flags, overrides and ports, as destinations.

import type { IncomingMessage } from "node:http";
import { parseTarget, type ProxyTarget } from "../engine/target.ts";
import { isLoopbackHost } from "../listener.ts";
import type { Application } from "../microfrontends/application.ts";
import { refererPathOf } from "../microfrontends/asset-paths.ts";
import { originOf } from "../microfrontends/hosts.ts";
import type { Microfrontends } from "../microfrontends/microfrontends.ts";
import {
  type Flags,
  flagsOf,
  flagValueOf,
  readOverrides,
  withoutFlagValue,
} from "../microfrontends/overrides.ts";
import { PortBook } from "../microfrontends/port-book.ts";
import type { Destination, RouteDescription, Routing } from "./routing.ts";
import { fallbackTarget } from "./table-routing.ts";

export interface MicrofrontendsRoutingOptions {
  readonly flags?: Flags | undefined;
  /** The applications that are being started here, by name. */
  readonly localApps?: readonly string[] | undefined;
}

export function microfrontendsRouting(
  microfrontends: Microfrontends,
  { flags = {}, localApps = [] }: MicrofrontendsRoutingOptions = {},
): Routing {
  const { apps, router, shownAs } = microfrontends;
  for (const name of localApps) assertKnown(microfrontends, name);
  const book = new PortBook(microfrontends);
  const destinations = new Map(
    apps.map((app) => [app.name, destinationOf(app, book, isNamed(app, localApps))]),
  );
  return {
    choose: (request) => {
      const { url = "/", headers } = request;
      const overrides = readOverrides(microfrontends, headers);
      const { app, rule } = router.match(url, {
        flags: flagsOf(request, flags),
        refererPath: refererPathOf(headers.referer, hostOf(request)),
      });
      const chosen = destinations.get((overrides.app ?? app).name);
      if (chosen === undefined) return undefined;
      const address = overrides.environments.get(chosen.app);
      return {
        ...chosen,
        rule: overrides.app === undefined ? (rule?.pattern ?? chosen.rule) : "x-vercel-mfe-zone",
        ...(flagValueOf(url) === undefined ? {} : { path: withoutFlagValue(url) }),
        ...(address === undefined || address !== chosen.fallback?.url
          ? {}
          : deployed(chosen.fallback)),
      };
    },
    apps: [...destinations.values()],
    routes: apps.flatMap((app) => describe(app, shownAs)),
  };
}

/** HTTP/2 names it in a pseudo-header. */
function hostOf({ headers }: IncomingMessage): string {
  const authority = headers[":authority"];
  return headers.host ?? (typeof authority === "string" ? authority : "");
}

function destinationOf(app: Application, book: PortBook, isExpected: boolean): Destination {
  const { name, fallback, isDefault } = app;
  const targets = new Map<number, ProxyTarget>();
  return {
    app: name,
    rule: isDefault ? "(default)" : "(asset prefix)",
    target: () => {
      const port = app.hasGeneratedPort ? book.lookup(app) : app.local.port;
      const target = targets.get(port) ?? localTarget(app, port);
      targets.set(port, target);
      return target;
    },
    fallback: fallback === undefined ? undefined : fallbackTarget(fallback),
    isExpected,
    startCommand: `turbo run ${app.task ?? "dev"} --filter=${app.packageName}`,
  };
}

function localTarget({ local }: Application, port: number): ProxyTarget {
  const url = originOf({ ...local, port });
  // Certificates for this machine are made by whoever develops here, and no authority knows them.
  const isHere = isLoopbackHost(local.host) || local.host.endsWith(".localhost");
  return parseTarget(url, local.protocol === "https" && isHere ? { insecure: true } : {});
}

/**
 * For who wants what is deployed, whether or not the application runs here.
 * SECURITY: readOverrides grants only addresses that the file names for this application.
 */
function deployed(fallback: ProxyTarget): Partial<Destination> {
  return { target: () => fallback, fallback: undefined, isDeployed: true };
}

function describe({ name, rules, isDefault, at }: Application, file: string): RouteDescription[] {
  if (isDefault) return [{ pattern: "(default)", app: name, at: `${file}:${at.line}` }];
  return rules.map(({ pattern, flag, line }) => ({
    pattern,
    app: name,
    at: `${file}:${line}`,
    ...(flag === undefined ? {} : { flag }),
  }));
}

/** Turborepo names packages, people name applications. */
function isNamed({ name, packageName }: Application, names: readonly string[]): boolean {
  return names.includes(name) || names.includes(packageName);
}

function assertKnown({ apps, shownAs }: Microfrontends, name: string): void {
  if (apps.some((app) => isNamed(app, [name]))) return;
  const known = apps.map((app) => app.name).join(", ");
  throw new TypeError(`${shownAs} has no application ${JSON.stringify(name)}; it has ${known}.`);
}
