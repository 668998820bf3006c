// Who may come in: one Host from the list, no foreign Origin, and the token where a surface controls something.
// Every surface asks the gate before anything else of a request is looked at.
// SECURITY: each rule answers an incident; test/security/gate.test.ts names them.

import { createHash, timingSafeEqual } from "node:crypto";

export interface GateOptions {
  /** Host names beside the loopback ones; `name` means our port, `name:port` exactly that. */
  readonly allowedHosts?: readonly string[];
  /** Origins beside our own, as browsers write them: `http://localhost:3000`. */
  readonly allowedOrigins?: readonly string[];
  readonly token: string;
  /** Reached over TLS. */
  readonly isSecure?: boolean;
}

/** What the gate reads of a request; those of HTTP/1.1 and HTTP/2 both have it. */
interface Request {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
}

export interface Refusal {
  readonly status: 400 | 401 | 403;
  /** Said to the client, so it holds nothing that the client does not know. */
  readonly reason: string;
}

type Verdict = Refusal | undefined;

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const ORIGIN = /^(https?):\/\/([^/@#?,\s]+)$/;
const FORWARDABLE = /^[\x21\x22\x24-\x7e]+$/;
const ABSOLUTE = /^https?:\/\/([^/?#@]+)(?:[/?]|$)/i;
const MAX_VERDICTS = 256;
const LOOPBACK_NAME = /^(localhost|[a-z0-9.-]+\.localhost|127\.0\.0\.1|\[::1\])$/;

export class Gate {
  #options: GateOptions;
  #port: () => number | undefined;
  /** Whether a Host is ours, once the port is known. */
  #verdicts = new Map<string, boolean>();

  /** `port` is undefined on a Unix socket, where the Host says nothing about the way taken. */
  constructor(options: GateOptions, port: () => number | undefined) {
    this.#options = options;
    this.#port = port;
  }

  /** For surfaces that control something: a plain path, and Host, Origin and token must all be right. */
  checkControl(request: Request): Verdict {
    return this.checkReader(request) ?? this.#checkToken(request);
  }

  /** For surfaces that tell of this process: like control, but what is told is no secret of a start. */
  checkReader(request: Request): Verdict {
    return (
      checkPlainPath(request) ??
      this.#checkHost(request) ??
      this.#checkOrigin(request) ??
      this.#checkCrossSite(request)
    );
  }

  /**
   * For traffic that is passed on or answered by handlers: the Host must be ours. A foreign Origin passes, because
   * the browser keeps the answer from it unless the application behind allows it by CORS; we add no such header.
   */
  checkVisitor(request: Request): Verdict {
    return this.#checkTarget(request) ?? this.#checkHost(request);
  }

  /** SECURITY: WebSockets know no CORS, so an upgrade that is passed on needs an Origin of ours (CVE-2026-112085). */
  checkVisitorUpgrade(request: Request): Verdict {
    return this.checkVisitor(request) ?? this.#checkOrigin(request);
  }

  /** SECURITY: DNS rebinding reaches this port under a foreign name (CVE-2018-12120, CVE-2025-66414). */
  #checkHost(request: Request): Verdict {
    const hosts = hostsOf(request);
    if (hosts.length !== 1)
      return {
        status: 400,
        reason: `a request needs one Host header, this one has ${hosts.length}`,
      };
    const host = (hosts[0] ?? "").toLowerCase();
    if (this.#isOurs(host)) return undefined;
    return {
      status: 403,
      reason:
        `the Host ${JSON.stringify(host.slice(0, 80))} is not allowed; localhost, *.localhost, 127.0.0.1 and [::1] ` +
        "with this port are, others by the option allowedHosts",
    };
  }

  /** SECURITY: a page's WebSocket is not bound by the same-origin policy; its Origin tells it (CVE-2025-24964). */
  #checkOrigin(request: Request): Verdict {
    const origins = valuesOf(request, "origin");
    if (origins.length === 0) return undefined;
    const origin = (origins[0] ?? "").toLowerCase();
    if (origins.length === 1 && this.#isOurOrigin(origin)) return undefined;
    return {
      status: 403,
      reason: `the Origin ${JSON.stringify(origin.slice(0, 80))} is foreign; allow it by the option allowedOrigins`,
    };
  }

  /** SECURITY: simple cross-site requests may come without an Origin, but browsers mark them. */
  #checkCrossSite(request: Request): Verdict {
    if (!valuesOf(request, "sec-fetch-site").includes("cross-site")) return undefined;
    if (valuesOf(request, "origin").length > 0) return undefined; // The Origin was looked at already.
    return { status: 403, reason: "the request comes from another site" };
  }

  /** SECURITY: a missing Origin proves nothing (CVE-2026-39363), so the token is asked of everybody. */
  #checkToken(request: Request): Verdict {
    const given = valuesOf(request, "authorization");
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(given[0] ?? "")?.[1];
    if (given.length === 1 && token !== undefined && isSameSecret(token, this.#options.token))
      return undefined;
    const what = given.length === 0 ? "the token is missing" : "the token is wrong";
    return { status: 401, reason: `${what}; send it as Authorization: Bearer` };
  }

  /** What may be passed on byte for byte: a path, `*`, or an absolute target that names the Host it came to. */
  #checkTarget(request: Request): Verdict {
    const target = request.url ?? "";
    // SECURITY: a fragment or a space is where two parsers part ways.
    const isPassable = FORWARDABLE.test(target);
    if (isPassable && (target.startsWith("/") || (target === "*" && request.method === "OPTIONS")))
      return undefined;
    const authority = ABSOLUTE.exec(target)?.[1]?.toLowerCase();
    // SECURITY: the authority of such a target would win over the Host that was checked (CVE-2026-126344).
    if (isPassable && authority !== undefined && authority === hostOf(request)) return undefined;
    return notAllowed(target, "can be passed on");
  }

  #isOurOrigin(origin: string): boolean {
    if (this.#options.allowedOrigins?.some((allowed) => allowed.toLowerCase() === origin) === true)
      return true;
    const [, scheme, host] = ORIGIN.exec(origin) ?? [];
    const isOurScheme = scheme === (this.#options.isSecure === true ? "https" : "http");
    return host !== undefined && isOurScheme && this.#isOurs(host);
  }

  get #defaultPort(): number {
    return this.#options.isSecure === true ? 443 : 80;
  }

  /** HOT: clients keep to a few hosts, benchmarks/proxy. */
  #isOurs(host: string): boolean {
    const known = this.#verdicts.get(host);
    if (known !== undefined) return known;
    const isOurs = this.#judge(host);
    if (this.#verdicts.size >= MAX_VERDICTS) this.#verdicts.clear();
    if (this.#port() !== undefined) this.#verdicts.set(host, isOurs);
    return isOurs;
  }

  #judge(host: string): boolean {
    const allowed = this.#options.allowedHosts?.map((entry) => entry.toLowerCase()) ?? [];
    if (allowed.some((entry) => entry.includes(":") && entry === host)) return true;
    const [, name, portText] = HOST.exec(host) ?? [];
    if (name === undefined) return false;
    const port = this.#port();
    if (port !== undefined && Number(portText ?? this.#defaultPort) !== port) return false;
    return LOOPBACK_NAME.test(name) || allowed.includes(name);
  }
}

/** SECURITY: `//evil/x` and absolute-form targets are read as another authority further on (CVE-2026-126344). */
function checkPlainPath(request: Request): Verdict {
  const target = request.url ?? "";
  if (/^\/(?!\/)[\x21-\x7e]*$/.test(target) && !/[\\#]/.test(target)) return undefined;
  if (target === "/") return undefined;
  return notAllowed(target, "is a plain path");
}

function notAllowed(target: string, asked: string): Refusal {
  const shown = JSON.stringify(target.slice(0, 80));
  return { status: 400, reason: `the request target ${shown} is none that ${asked}` };
}

/** HTTP/2 names the host in a pseudo-header; a Host beside it has to say the same. */
function hostsOf(request: Request): readonly string[] {
  const hosts = valuesOf(request, "host");
  const authorities = valuesOf(request, ":authority");
  if (authorities.length === 0) return hosts;
  const isSame = authorities.length === 1 && hosts.every((host) => host === authorities[0]);
  return isSame ? authorities : [...hosts, ...authorities];
}

function hostOf(request: Request): string | undefined {
  return hostsOf(request)[0]?.toLowerCase();
}

/** Throws TypeError for a token that is easily guessed, or that no header can carry. */
export function assertToken(token: string): void {
  if (!/^[\w.~+/=-]{16,512}$/.test(token)) {
    throw new TypeError("A token has 16 to 512 characters out of A-Z a-z 0-9 and . _ ~ + / = -");
  }
}

const NONE: readonly string[] = [];

/** SECURITY: Node keeps the first of two Host headers and says nothing, so the raw list is counted. */
function valuesOf({ rawHeaders }: Request, name: string): readonly string[] {
  let values: string[] | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i] ?? "";
    // HOT: the length rules out nearly all of them, benchmarks/proxy.
    if (candidate.length !== name.length || candidate.toLowerCase() !== name) continue;
    const value = rawHeaders[i + 1] ?? "";
    if (values === undefined) values = [value];
    else values.push(value);
  }
  return values ?? NONE;
}

/** Constant in time, also for texts of different lengths. */
function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
