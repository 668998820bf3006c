// What handlers of MSW could possibly want, so that nobody asks about other requests. MSW 2 matches paths whatever their
// case, and both have a grammar of their own: what is sure in any of them is a literal origin at the beginning.

import type { Interest } from "../interest.ts";
import type { MswRequestHandler, MswWebSocketHandler } from "./msw-handler.ts";

/** Nothing in it stands for anything else, in no version. */
const LITERAL_ORIGIN = /^(https?|wss?):\/\/[a-z0-9.-]+(?::\d+)?(?=\/|$)/i;

export function interestOfMsw(handler: MswRequestHandler): Interest {
  const { path, method } = handler.info as { readonly path?: unknown; readonly method?: unknown };
  // Of a handler for GraphQL. It wants GET and POST.
  const { endpoint } = handler as { readonly endpoint?: unknown };
  return {
    method: typeof method === "string" ? method.toUpperCase() : "*",
    prefix: originOf(path ?? endpoint),
  };
}

export function webSocketInterestOfMsw(handler: MswWebSocketHandler): Interest {
  const { url } = handler as { readonly url?: unknown };
  // As in the constructor of WebSocket, `http` stands for `ws`.
  return { method: "GET", prefix: originOf(url).replace(/^http/, "ws") };
}

/** With a slash at its end: without one, `https://a.io` would stand for `https://a.io.example` too. */
function originOf(pattern: unknown): string {
  const [origin] = (typeof pattern === "string" && LITERAL_ORIGIN.exec(pattern)) || [];
  if (origin === undefined || !URL.canParse(origin)) return "";
  const { protocol, host } = new URL(origin);
  return `${protocol}//${host}/`;
}
