// What handlers of MSW could possibly want, so that nobody asks about other requests. MSW 2 and MSW 3 have each a grammar
// of its own: read is what means the same in both, and from anything else on everything may follow.

import { Interest } from "../interest.ts";
import type { MswRequestHandler, MswWebSocketHandler } from "./msw-handler.ts";

/** Nothing in it stands for anything else, in no version. */
const LITERAL_ORIGIN = /^(?:https?|wss?):\/\/[a-z0-9.-]+(?::\d+)?(?=\/|$)/i;
const SCHEME = /^(?:https?|wss?):\/\//i;
/** They may be resolved, or not. */
const DOT_SEGMENT = /\/\.{1,2}(?:[/?#]|$)/;
/** Literals, or one placeholder and what may change its meaning. */
const TOKEN = /([\w~!$&',;=@/.-]+)|(?:\*+|:[a-z_]\w*)([?*+({]?)/iy;

export function interestOfMsw(handler: MswRequestHandler): Interest {
  const { path, method } = handler.info as { readonly path?: unknown; readonly method?: unknown };
  // Of a handler for GraphQL. It wants GET and POST.
  const { endpoint } = handler as { readonly endpoint?: unknown };
  const capitals = typeof method === "string" ? method.toUpperCase() : "*";
  return new Interest(capitals, outlineOf(path ?? endpoint));
}

export function webSocketInterestOfMsw(handler: MswWebSocketHandler): Interest {
  const { url } = handler as { readonly url?: unknown };
  // As in the constructor of WebSocket, `http` stands for `ws`. MSW 2 does without the last slash of a path.
  const outline = outlineOf(url)
    .replace(/^http/, "ws")
    .replace(/(?<=:\/\/[^/]*\/.*)\/$/, "");
  // And both leave out a `socket.io/` that the path begins with.
  return new Interest("GET", outline.replace(/(?<!:\/?)\//g, "/*"));
}

function outlineOf(pattern: unknown): string {
  if (typeof pattern !== "string" || DOT_SEGMENT.test(pattern)) return "*";
  const [origin] = LITERAL_ORIGIN.exec(pattern) ?? [];
  if (origin !== undefined) {
    if (!URL.canParse(origin)) return "*";
    const { protocol, host } = new URL(origin);
    return continued(`${protocol}//${host}`, pattern.slice(origin.length) || "/");
  }
  const [scheme] = SCHEME.exec(pattern) ?? [];
  if (scheme !== undefined) return continued(scheme.toLowerCase(), pattern.slice(scheme.length));
  // Anything else is relative to a location that is not known here.
  return /^(?:\*|\/(?!\/))/.test(pattern) ? continued("", pattern) : "*";
}

function continued(begin: string, rest: string): string {
  let outline = begin;
  for (let at = 0; at < rest.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const [, literal, modifier] = TOKEN.exec(rest) ?? [];
    if (literal === undefined && modifier !== "") return `${withoutLead(outline)}*`;
    outline += literal ?? "*";
  }
  return outline;
}

/** What is in front of a placeholder may be missing with it. */
function withoutLead(outline: string): string {
  return outline.replace(/[/.]$/, "");
}
