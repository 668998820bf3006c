// A context goes along with what is sent on its behalf, so that the next service asks the same test: to this machine, or
// to the origins that are named instead, and never to anybody else.

import type { Outcome } from "../../exchange/outcome.ts";
import { type Fields, patchFields, type RequestHead } from "../../exchange/request.ts";

const LOCAL: readonly string[] = ["localhost", "127.0.0.1", "[::1]"].flatMap((host) => [
  `http://${host}:*`,
  `https://${host}:*`,
]);
const ORIGIN = /^https?:\/\/(?:\[[\da-f:]+\]|[\w.*-]+)(?::(?:\d+|\*))?$/i;
const OWN_HEADER = "x-crosswire-context";
const OWN_BAGGAGE = /(?:^|,)\s*crosswire\s*=/;

export class Forwarding {
  #origins: readonly RegExp[];

  /** Origins may have `*` for any name in their host, and for any port. Throws a TypeError for what is none. */
  constructor(origins: readonly string[] = LOCAL) {
    this.#origins = origins.map(toPattern);
  }

  goesTo(url: string): boolean {
    if (this.#origins.length === 0) return false;
    const { origin } = new URL(url);
    return this.#origins.some((pattern) => pattern.test(origin));
  }

  /** The outcome for a request that goes to the network, with the context. Where it has one, that one stays. */
  sendOn(outcome: Outcome, { url, headers }: RequestHead, contextId: string): Outcome {
    if (outcome.kind !== "passthrough" && outcome.kind !== "unhandled") return outcome;
    const patch = outcome.kind === "passthrough" ? outcome.patch : undefined;
    const fields = patchFields(headers, patch?.headers ?? {});
    if (!this.goesTo(patch?.url ?? url) || fields.some(hasContext)) return outcome;
    const others = fields.filter(isBaggage).map(([, value]) => value);
    const baggage = [...others, `crosswire=${contextId}`].join(",");
    const kept = Object.entries(patch?.headers ?? {}).filter(([name]) => !isBaggage([name]));
    return {
      kind: "passthrough",
      patch: { ...patch, headers: { ...Object.fromEntries(kept), baggage } },
    };
  }
}

function hasContext([name, value]: Fields[number]): boolean {
  if (name.toLowerCase() === OWN_HEADER) return true;
  return isBaggage([name]) && OWN_BAGGAGE.test(value);
}

function isBaggage([name]: readonly [name: string, ...rest: unknown[]]): boolean {
  return name.toLowerCase() === "baggage";
}

function toPattern(origin: string): RegExp {
  const hasWildcard = origin.includes("*");
  if (!ORIGIN.test(origin) || !(hasWildcard || URL.canParse(origin))) {
    throw new TypeError(
      `A context is sent on to origins such as "http://localhost:4000" or "http://*.test:*", not to ${JSON.stringify(origin)}.`,
    );
  }
  const literal = hasWildcard ? origin.toLowerCase() : new URL(origin).origin;
  const text = literal
    .replace(/[.[\]]/g, String.raw`\$&`)
    .replace(/:\*$/, String.raw`(?::\d+)?`)
    .replaceAll("*", "[^/:]*");
  return new RegExp(`^${text}$`);
}
