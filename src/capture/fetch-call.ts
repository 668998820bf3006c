// Which calls of fetch are plain: bytes or text to an address, and nothing that changes how they are sent. All others
// are left to undici, which reads them in its own way.

import type { Fields } from "../exchange/request.ts";

export interface FetchTarget {
  readonly method: string;
  /** As it is sent: without a fragment. */
  readonly url: string;
}

export interface FetchCall extends FetchTarget {
  /** What fetch adds is among them. */
  readonly fields: Fields;
  readonly body: Uint8Array | undefined;
  /** The same call once more. What the caller changes meanwhile is nothing to it. */
  readonly again: readonly [url: string, init: RequestInit];
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** All that a caller may set beside the method, the headers and the body. */
const SETTINGS = [
  ...["cache", "credentials", "dispatcher", "duplex", "integrity", "keepalive", "mode"],
  ...["priority", "redirect", "referrer", "referrerPolicy", "signal", "window"],
] as const;
/** Undici refuses them, or does something about them. */
const MEANINGFUL =
  /^(?:connection|content-length|expect|host|if-.*|keep-alive|range|set-cookie|transfer-encoding|upgrade)$/;
/** Below 1024 there are many that fetch does not connect to; these are the others. */
const BLOCKED_PORTS = new Set(
  [1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6697, 10080].concat([
    6665, 6666, 6667, 6668, 6669, 6679,
  ]),
);
const TEXT = "text/plain;charset=UTF-8";
const FORM = "application/x-www-form-urlencoded;charset=UTF-8";

/** Undefined for what is not plain. HOT: of every fetch of the application. */
export function targetOf(input: unknown, init: unknown): FetchTarget | undefined {
  if (typeof input !== "string" && !(input instanceof URL)) return undefined;
  const settings = init as RequestInit | null | undefined;
  const method = settings?.method ?? "GET";
  if (!METHODS.has(method) || !hasNoSettings(settings)) return undefined;
  try {
    const { protocol, username, password, port, hash, href } = new URL(input);
    const isWeb = protocol === "http:" || protocol === "https:";
    if (!isWeb || username !== "" || password !== "" || !isOpen(port)) return undefined;
    return { method, url: hash === "" ? href : href.slice(0, -hash.length) };
  } catch {
    return undefined;
  }
}

/** Likewise; the rest of a call whose target is wanted. */
export function callOf(
  target: FetchTarget,
  input: unknown,
  init: RequestInit | null | undefined,
): FetchCall | undefined {
  const { method, url } = target;
  const { body, type } = bodyOf(init?.body) ?? {};
  const hasBody = (init?.body ?? undefined) !== undefined;
  if (hasBody && (body === undefined || method === "GET" || method === "HEAD")) return undefined;
  try {
    const headers = new Headers(init?.headers);
    if (type !== undefined && !headers.has("content-type")) headers.set("content-type", type);
    const own = [...headers];
    if (own.some(([name]) => MEANINGFUL.test(name))) return undefined;
    const again = { ...init, headers, ...(body === undefined ? {} : { body }) };
    const fields = [...own, ...addedFields(target, own, body)];
    return { method, url, fields, body, again: [String(input), again] };
  } catch {
    return undefined;
  }
}

function isOpen(port: string): boolean {
  return port === "" || (Number(port) >= 1024 && !BLOCKED_PORTS.has(Number(port)));
}

function hasNoSettings(init: RequestInit | null | undefined): boolean {
  if (init === undefined || init === null) return true;
  const given = init as Readonly<Record<string, unknown>>;
  return SETTINGS.every((name) => given[name] === undefined);
}

/** A copy. Undefined for what only fetch can read. */
function bodyOf(body: unknown): { readonly body: Uint8Array; readonly type?: string } | undefined {
  if (typeof body === "string") return { body: Buffer.from(body), type: TEXT };
  if (body instanceof URLSearchParams) return { body: Buffer.from(String(body)), type: FORM };
  return body instanceof Uint8Array ? { body: Uint8Array.from(body) } : undefined;
}

/** In the order in which fetch adds them. */
function addedFields(
  { method, url }: FetchTarget,
  own: Fields,
  body: Uint8Array | undefined,
): Fields {
  const added: [string, string][] = [
    ["accept", "*/*"],
    ["accept-language", "*"],
    ["sec-fetch-mode", "cors"],
  ];
  const codings = url.startsWith("https:") ? "br, gzip, deflate" : "gzip, deflate";
  added.push(["user-agent", "node"], ["accept-encoding", codings]);
  const length = body?.length ?? (method === "POST" || method === "PUT" ? 0 : undefined);
  if (length !== undefined) added.push(["content-length", String(length)]);
  if (own.length === 0) return added;
  return added.filter(([name]) => !own.some(([given]) => given === name));
}
