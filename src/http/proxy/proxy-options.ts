// What a proxy is told when it is created, and what is refused at once.

import { CrosswireError } from "../../errors.ts";
import type { Limits } from "../../limits.ts";
import type { Trace } from "../../trace.ts";
import type { ProxyEngine } from "../engine/engine.ts";
import { assertToken } from "../gate.ts";
import type { FrontTls } from "../hardened-server.ts";
import { isLocalPlace, LOOPBACK } from "../listener.ts";
import type { Microfrontends } from "../microfrontends/microfrontends.ts";
import type { Flags } from "../microfrontends/overrides.ts";
import { DEFAULT_PROXY_PORT } from "../microfrontends/ports.ts";
import { microfrontendsRouting } from "./microfrontends-routing.ts";
import type { Routing } from "./routing.ts";
import { type RouteTable, singleRouting, tableRouting } from "./table-routing.ts";
import type { AccessEntry } from "./traffic.ts";

export interface ProxyOptions {
  /** 3024, or `localProxyPort` of the microfrontends; 0 for any free port. */
  readonly port?: number;
  /** 127.0.0.1. Anything wider needs a token, which the status page then asks for. */
  readonly host?: string;
  /** Certificate and key of the proxy itself, for https://; with HTTP/2. */
  readonly tls?: FrontTls;
  /** Everything goes here. One of `target`, `routes` and `microfrontends` says where requests go. */
  readonly target?: string;
  /** Targets by path pattern; the most specific wins. */
  readonly routes?: RouteTable;
  /** From `loadMicrofrontends()`. */
  readonly microfrontends?: Microfrontends;
  /** The flags of microfrontends that are on. */
  readonly flags?: Flags;
  /** The applications that are being started here: requests wait for them, even if there is a fallback. */
  readonly localApps?: readonly string[];
  /** Host names, beside the loopback ones, under which this proxy may be reached. */
  readonly allowedHosts?: readonly string[];
  /** Origins of web pages that may open WebSockets, beside the proxy's own. */
  readonly allowedOrigins?: readonly string[];
  readonly token?: string;
  /** Believe what clients say in X-Forwarded-* and Forwarded; only behind another proxy of yours. */
  readonly trustForwarded?: boolean;
  /** Instead of our own. It is closed with the proxy. */
  readonly engine?: ProxyEngine;
  readonly limits?: Partial<Limits>;
  /** Called for each request and WebSocket when it is over. */
  readonly onAccess?: (entry: AccessEntry) => void;
  readonly trace?: Trace;
}

/** Throws TypeError unless exactly one of the three ways is given. */
export function routingOf(options: ProxyOptions): Routing {
  const { target, routes, microfrontends, flags, localApps } = options;
  const given = [target, routes, microfrontends].filter((way) => way !== undefined);
  if (given.length !== 1) {
    throw new TypeError(
      `createProxy needs one of target, routes and microfrontends, and got ${given.length} of them.`,
    );
  }
  if (microfrontends === undefined && (flags !== undefined || localApps !== undefined))
    throw new TypeError("flags and localApps are for microfrontends; give these too.");
  if (target !== undefined) return singleRouting(target);
  if (routes !== undefined) return tableRouting(routes);
  return microfrontendsRouting(microfrontends as Microfrontends, { flags, localApps });
}

export interface ProxyPlace {
  readonly port: number;
  readonly host: string;
  readonly isExposed: boolean;
}

export function placeOf({
  port,
  host = LOOPBACK,
  token,
  microfrontends,
}: ProxyOptions): ProxyPlace {
  const chosen = port ?? microfrontends?.proxyPort ?? DEFAULT_PROXY_PORT;
  if (!Number.isInteger(chosen) || chosen < 0 || chosen > 65_535)
    throw new TypeError(`${chosen} is not a port; use a whole number from 1 to 65535, or 0.`);
  const isExposed = !isLocalPlace({ port: chosen, host });
  if (isExposed && token === undefined) {
    throw new TypeError(
      "A host beyond loopback needs a token of your own: createProxy({ host, token }). The status page asks for it.",
    );
  }
  if (token !== undefined) assertToken(token);
  return { port: chosen, host, isExposed };
}

export function portTaken({ host, port }: ProxyPlace): CrosswireError {
  return new CrosswireError(
    "XW_LISTEN",
    `Port ${port} of ${host} is taken, perhaps by another proxy. End that one, or choose another port.`,
  );
}
