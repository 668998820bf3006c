// Who gets a request: what the proxy asks, whatever the answer comes from.

import type { IncomingMessage } from "node:http";
import type { ProxyTarget } from "../engine/target.ts";

/** Where one request goes. */
export interface Destination {
  /** What people call it. */
  readonly app: string;
  /** The rule that led here, as it is written. */
  readonly rule: string;
  /** Asked anew for each attempt: an application that starts may take another port. */
  readonly target: () => ProxyTarget;
  /** Where the same is deployed; used while nothing answers at the target. */
  readonly fallback?: ProxyTarget | undefined;
  /** Whether the target itself is what is deployed: nobody waits for that, and its answers are made local. */
  readonly isDeployed?: boolean;
  /** Whether it is known to be starting here, so that waiting comes before the fallback. */
  readonly isExpected?: boolean;
  /** Asked for instead of the request's own path and query. */
  readonly path?: string;
  /** The command that starts it. */
  readonly startCommand?: string;
  /** Called when the exchange is over. */
  readonly onEnd?: () => void;
}

/** One rule, for people. */
export interface RouteDescription {
  readonly pattern: string;
  readonly app: string;
  readonly flag?: string;
  /** Where it is written: `file:line`. */
  readonly at?: string;
}

export interface Routing {
  /** Undefined when nobody gets it. */
  choose(request: IncomingMessage): Destination | undefined;
  /** Every application, as the status page and the health checks see it. */
  readonly apps: readonly Destination[];
  readonly routes: readonly RouteDescription[];
}
