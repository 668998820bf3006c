// Who may come in: one Host from the list, no foreign Origin, and the token where a surface controls something.
// Every surface asks the gate before anything else of a request is looked at.
// SECURITY: each rule answers an incident; test/security/gate.test.ts names them.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface GateOptions {
  /** Host names beside the loopback ones; `name` means our port, `name:port` exactly that. */
  readonly allowedHosts?: readonly string[];
  /** Origins beside our own, as browsers write them: `http://localhost:3000`. */
  readonly allowedOrigins?: readonly string[];
  readonly token: string;
}

export interface Refusal {
  readonly status: 400 | 401 | 403;
  /** Said to the client, so it holds nothing that the client does not know. */
  readonly reason: string;
}

type Verdict = Refusal | undefined;

const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const ORIGIN = /^http:\/\/([^/@#?,\s]+)$/;
const LOOPBACK_NAME = /^(localhost|[a-z0-9.-]+\.localhost|127\.0\.0\.1|\[::1\])$/;

export class Gate {
  #options: GateOptions;
  #port: () => number | undefined;

  /** `port` is undefined on a Unix socket, where the Host says nothing about the way taken. */
  constructor(options: GateOptions, port: () => number | undefined) {
    this.#options = options;
    this.#port = port;
  }

  /** For surfaces that control something: Host, Origin and token must all be right. */
  checkControl(request: IncomingMessage): Verdict {
    return this.checkVisitor(request) ?? this.#checkCrossSite(request) ?? this.#checkToken(request);
  }

  /** For surfaces that only pass traffic on: the Host must be ours and the Origin, if any, not foreign. */
  checkVisitor(request: IncomingMessage): Verdict {
    return checkTarget(request) ?? this.#checkHost(request) ?? this.#checkOrigin(request);
  }

  /** SECURITY: DNS rebinding reaches this port under a foreign name (CVE-2018-12120, CVE-2025-66414). */
  #checkHost(request: IncomingMessage): Verdict {
    const hosts = valuesOf(request, "host");
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
  #checkOrigin(request: IncomingMessage): Verdict {
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
  #checkCrossSite(request: IncomingMessage): Verdict {
    if (!valuesOf(request, "sec-fetch-site").includes("cross-site")) return undefined;
    if (valuesOf(request, "origin").length > 0) return undefined; // The Origin was looked at already.
    return { status: 403, reason: "the request comes from another site" };
  }

  /** SECURITY: a missing Origin proves nothing (CVE-2026-39363), so the token is asked of everybody. */
  #checkToken(request: IncomingMessage): Verdict {
    const given = valuesOf(request, "authorization");
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(given[0] ?? "")?.[1];
    if (given.length === 1 && token !== undefined && isSameSecret(token, this.#options.token))
      return undefined;
    const what = given.length === 0 ? "the token is missing" : "the token is wrong";
    return { status: 401, reason: `${what}; send it as Authorization: Bearer` };
  }

  #isOurOrigin(origin: string): boolean {
    if (this.#options.allowedOrigins?.some((allowed) => allowed.toLowerCase() === origin) === true)
      return true;
    const host = ORIGIN.exec(origin)?.[1];
    return host !== undefined && this.#isOurs(host);
  }

  #isOurs(host: string): boolean {
    const allowed = this.#options.allowedHosts?.map((entry) => entry.toLowerCase()) ?? [];
    if (allowed.some((entry) => entry.includes(":") && entry === host)) return true;
    const [, name, portText] = HOST.exec(host) ?? [];
    if (name === undefined) return false;
    const port = this.#port();
    if (port !== undefined && Number(portText ?? 80) !== port) return false;
    return LOOPBACK_NAME.test(name) || allowed.includes(name);
  }
}

/** SECURITY: `//evil/x` and absolute-form targets are read as another authority further on (CVE-2026-126344). */
function checkTarget(request: IncomingMessage): Verdict {
  const target = request.url ?? "";
  if (/^\/(?!\/)[\x21-\x7e]*$/.test(target) && !/[\\#]/.test(target)) return undefined;
  if (target === "/") return undefined;
  return {
    status: 400,
    reason: `the request target ${JSON.stringify(target.slice(0, 80))} is not a plain path`,
  };
}

/** SECURITY: Node keeps the first of two Host headers and says nothing, so the raw list is counted. */
function valuesOf(request: IncomingMessage, name: string): string[] {
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? "");
  }
  return values;
}

/** Constant in time, also for texts of different lengths. */
function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
