// From what MSW makes to handlers of ours, so that both can stand in one list.

import type { Handler, HandlerInput } from "../handler.ts";
import { AdoptedHttpHandler } from "./adopted-http-handler.ts";
import { AdoptedWebSocketHandler } from "./adopted-websocket-handler.ts";
import {
  isMswRequestHandler,
  isMswWebSocketHandler,
  type MswHandler,
  type MswHandlerInput,
} from "./msw-handler.ts";

/** The same handler of MSW is always the same one here. */
const adopted = new WeakMap<MswHandler, Handler>();

/**
 * A handler of MSW for a server that was made by `crosswire/cpri`. Throws a TypeError for anything else. The servers of
 * `crosswire/msw` take handlers of MSW as they are.
 *
 * @example
 * import { http, HttpResponse } from "msw"
 * await remote.use(fromMsw(http.get("https://example.com/users/:id", () => HttpResponse.json({ id: 7 }))))
 */
export function fromMsw(handler: MswHandler): Handler {
  const known = adopted.get(handler);
  if (known !== undefined) return known;
  const made = adopt(handler);
  adopted.set(handler, made);
  return made;
}

/** Those of MSW become ours, all others stay what they are. */
export function convert(handlers: readonly MswHandlerInput[]): readonly HandlerInput[] {
  return handlers.flatMap((handler) =>
    isOfMsw(handler) ? withSiblings(handler).map(fromMsw) : [handler],
  );
}

function adopt(handler: MswHandler): Handler {
  if (isMswWebSocketHandler(handler)) return new AdoptedWebSocketHandler(handler);
  if (isMswRequestHandler(handler)) return new AdoptedHttpHandler(handler);
  throw new TypeError(
    `fromMsw() takes a handler of MSW, such as http.get(…), graphql.query(…) or ws.link(…).addEventListener("connection", …), of version 2.13 or later; not ${handler === null ? "null" : typeof handler}.`,
  );
}

function isOfMsw(handler: MswHandlerInput): handler is MswHandler {
  return isMswWebSocketHandler(handler) || isMswRequestHandler(handler);
}

/**
 * Subscriptions of MSW 3 are handlers for WebSockets that are attached to others. Those for requests stay behind: they
 * only answer the handshake of a WebSocket, which is done by the catching end.
 */
function withSiblings(handler: MswHandler): readonly MswHandler[] {
  const key = Object.getOwnPropertySymbols(handler).find(
    ({ description }) => description === "kSiblingHandlers",
  );
  if (key === undefined) return [handler];
  const { [key]: siblings = [] } = handler as unknown as Record<symbol, MswHandler[] | undefined>;
  return [handler, ...siblings.filter(isMswWebSocketHandler)];
}
