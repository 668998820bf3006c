// What is registered: one replica of one API, where it is and whose it is. What is not one is refused here.

import { CrosswireError } from "../errors.ts";
import { parseTarget } from "../http/engine/target.ts";
import { routingPath } from "../http/routing-path.ts";

/** As services register themselves. */
export interface ServiceEntry {
  /** The name that others look up. */
  readonly api: string;
  /** Where it is served: `http://127.0.0.1:4001`. */
  readonly baseUrl: string;
  /** Requests to the leader for this path and what is below it are passed on to `baseUrl`, path and all. */
  readonly pathPrefix?: string;
  /** The epoch this was decided under. With another one than the leader's it is refused: XW_STALE_EPOCH. */
  readonly epoch?: number;
}

/** As others see it. */
export interface Service {
  readonly api: string;
  readonly baseUrl: string;
  readonly pathPrefix?: string;
  /** Who registered it: the same for all services of one member, and across failovers. */
  readonly owner: string;
  /** The process of the owner. */
  readonly pid?: number;
}

/** In one request; a client may register more in several. */
export const MAX_ENTRIES = 1_000;
const MAX_TEXT_LENGTH = 2_048;
const SCHEMES = /^(https?|wss?):\/\//i;

/** Whether it is of this api and at this `baseUrl`; undefined stands for any. */
export function isMeant(
  service: Pick<ServiceEntry, "api" | "baseUrl">,
  api: string | undefined,
  baseUrl: string | undefined,
): boolean {
  return (
    (api === undefined || service.api === api) &&
    (baseUrl === undefined || service.baseUrl === canonicalBaseUrl(baseUrl))
  );
}

/** The entries in the one form in which they are compared. Throws XW_INVALID. */
export function checkEntries(value: unknown, maxEntries: number = MAX_ENTRIES): ServiceEntry[] {
  const fault = faultOf(value, maxEntries);
  if (fault !== undefined)
    throw new CrosswireError("XW_INVALID", `A service cannot be registered: ${fault}.`);
  return (value as ServiceEntry[]).map(canonical);
}

/** Nothing that does not belong here, and paths as the router reads them. */
function canonical({ api, baseUrl, pathPrefix, epoch }: ServiceEntry): ServiceEntry {
  return {
    api,
    baseUrl: canonicalBaseUrl(baseUrl),
    ...(pathPrefix === undefined ? {} : { pathPrefix: canonicalPrefix(pathPrefix) }),
    ...(epoch === undefined ? {} : { epoch }),
  };
}

function canonicalBaseUrl(baseUrl: string): string {
  return baseUrl.replace(/\/+$/, "");
}

function canonicalPrefix(prefix: string): string {
  // Requests have these characters encoded, or they would not be HTTP.
  const path = routingPath(prefix.replace(/[^\x21-\x7e]+/g, encodeURIComponent));
  return path === "/" ? path : path.replace(/\/$/, "");
}

function faultOf(value: unknown, maxEntries: number): string | undefined {
  if (!Array.isArray(value)) return "a list of { api, baseUrl, pathPrefix? } is needed";
  if (value.length > maxEntries)
    return `at most ${maxEntries} services can be registered at once, these are ${value.length}`;
  for (const entry of value) {
    const fault = entryFault(entry as Partial<ServiceEntry> | null);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function entryFault(entry: Partial<ServiceEntry> | null): string | undefined {
  if (typeof entry !== "object" || entry === null)
    return `${quoted(entry)} is not a service; { api, baseUrl, pathPrefix? } is needed`;
  const { api, baseUrl, pathPrefix, epoch } = entry;
  if (!isText(api) || /\p{Cc}/u.test(api)) return `${quoted(api)} is not a name for an api`;
  if (!isText(baseUrl) || !isBaseUrl(baseUrl))
    return `the baseUrl of ${quoted(api)} is ${quoted(baseUrl)}; it has to be a URL like http://127.0.0.1:4001`;
  if (pathPrefix !== undefined && !isPrefix(pathPrefix))
    return `the pathPrefix of ${quoted(api)} is ${quoted(pathPrefix)}; it has to be a path like /users`;
  if (epoch !== undefined && !Number.isSafeInteger(epoch))
    return `the epoch of ${quoted(api)} is ${quoted(epoch)}; it has to be a whole number`;
  return undefined;
}

/** SECURITY: only what the proxy can be sent to; no files, no other schemes, no query that would be lost. */
function isBaseUrl(text: string): boolean {
  // Spaces and line ends, which URL parsers drop, would still be there for whoever looks this up.
  if (!SCHEMES.test(text) || /[?#\s\p{Cc}]/u.test(text)) return false;
  try {
    parseTarget(text);
    return true;
  } catch {
    return false;
  }
}

function isPrefix(prefix: unknown): boolean {
  return isText(prefix) && prefix.startsWith("/") && !/[?#\s\p{Cc}\p{Cs}]/u.test(prefix);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_TEXT_LENGTH;
}

function quoted(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? "missing";
}
