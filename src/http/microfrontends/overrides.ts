// What a single request may change about its route: @vercel/microfrontends' header, cookies and query, and flags.
// Nothing is decided here but which of these wishes count.

import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Application } from "./application.ts";
import { originOf } from "./hosts.ts";
import type { FlagLookup } from "./router.ts";

/** The flags that are on: a table, or a function that is asked for each request. */
export type Flags =
  | Readonly<Record<string, boolean>>
  | ((name: string, request: IncomingMessage) => boolean);

export interface Overrides {
  /** The application that the request is for, whatever its path. */
  readonly app?: Application;
  /** The address to use for an application, by its name. */
  readonly environments: ReadonlyMap<string, string>;
  /** What was asked for and not granted, for the log: `env:docs=evil.example`. */
  readonly refused: readonly string[];
}

/** What the reading of overrides needs of a configuration. */
export interface OverrideSource {
  readonly apps: readonly Application[];
  readonly areOverridesDisabled: boolean;
}

/** Set by middleware, with the name of the application that it chose. */
const ZONE_HEADER = "x-vercel-mfe-zone";
/** Followed by the application's name; the value is a host. The Vercel toolbar sets it. */
const ENVIRONMENT_COOKIE = "vercel-micro-frontends-override:env:";
const FLAG_QUERY = "vercel-mfe-flag-value";
const FLAG_PARAMETER = new RegExp(`(^|&)${FLAG_QUERY}=(true|false)(?=&|$)`);
const NO_OVERRIDES: Overrides = { environments: new Map(), refused: [] };

/**
 * Reads header and cookies.
 *
 * SECURITY: a page of any origin can set cookies for localhost, so a host counts only if the configuration names it
 * for this very application (SSRF). Others are listed as refused.
 */
export function readOverrides(source: OverrideSource, headers: IncomingHttpHeaders): Overrides {
  const zone = headers[ZONE_HEADER];
  const cookies = environmentCookies(headers.cookie);
  if (source.areOverridesDisabled || (zone === undefined && cookies.length === 0))
    return NO_OVERRIDES;
  const environments = new Map<string, string>();
  const refused: string[] = [];
  for (const [name, host] of cookies) {
    const address = addressFor(
      source.apps.find((app) => app.name === name),
      host,
    );
    if (address === undefined) refused.push(`env:${name}=${host}`);
    else environments.set(name, address);
  }
  const app = source.apps.find(({ name }) => name === zone);
  if (zone !== undefined && app === undefined) refused.push(`${ZONE_HEADER}: ${String(zone)}`);
  return { ...(app === undefined ? {} : { app }), environments, refused };
}

/** What `?vercel-mfe-flag-value=` says about all flags of this request. */
export function flagValueOf(target: string): boolean | undefined {
  const value = FLAG_PARAMETER.exec(queryOf(target))?.[2];
  return value === undefined ? undefined : value === "true";
}

/** The target without that parameter; every other byte stays. */
export function withoutFlagValue(target: string): string {
  const query = queryOf(target);
  const found = FLAG_PARAMETER.exec(query);
  if (found === null) return target;
  const path = target.slice(0, target.length - query.length - 1);
  const rest = query.slice(0, found.index) + query.slice(found.index + found[0].length);
  const left = rest.replace(/^&/, "");
  return left === "" ? path : `${path}?${left}`;
}

/** The flags of one request: its query first, then `flags`; what neither knows is off. */
export function flagsOf(request: IncomingMessage, flags: Flags = {}): FlagLookup {
  const forced = flagValueOf(request.url ?? "/");
  if (forced !== undefined) return () => forced;
  if (typeof flags === "function") return (name) => flags(name, request);
  return (name) => Object.hasOwn(flags, name) && flags[name] === true;
}

/** Name of the application and host, of each such cookie. */
function environmentCookies(header: string | undefined): [string, string][] {
  if (header?.includes(ENVIRONMENT_COOKIE) !== true) return [];
  return header.split(";").flatMap((pair): [string, string][] => {
    const cookie = pair.trim();
    const equals = cookie.indexOf("=");
    if (!cookie.startsWith(ENVIRONMENT_COOKIE) || equals === -1) return [];
    const name = decoded(cookie.slice(ENVIRONMENT_COOKIE.length, equals));
    const host = decoded(cookie.slice(equals + 1));
    return name === undefined || host === undefined || host === "" ? [] : [[name, host]];
  });
}

/** The one of the application's own addresses that `host` names, with or without its scheme. */
function addressFor(app: Application | undefined, host: string): string | undefined {
  if (app === undefined) return undefined;
  const addresses = [originOf(app.local), app.fallback].filter((address) => address !== undefined);
  const wanted = host.toLowerCase();
  return addresses.find((address) => address === wanted || new URL(address).host === wanted);
}

function queryOf(target: string): string {
  const start = target.indexOf("?");
  return start === -1 ? "" : target.slice(start + 1);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replace(/^"(.*)"$/, "$1"));
  } catch {
    return undefined; // No percent encoding, so not what the toolbar writes.
  }
}
