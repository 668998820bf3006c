// What a client is told when its request could not be passed on: a page for people, JSON for programs.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { CrosswireError } from "../../errors.ts";
import { statusOf } from "../engine/engine.ts";
import { pathOf } from "../front.ts";
import { answerJson, closeIfUnread, refuseUpgrade } from "../reply.ts";
import type { Destination } from "./routing.ts";
import { PAGE_POLICY, unavailablePage } from "./unavailable-page.ts";

const NO_STORE = { "Cache-Control": "no-store" };

/** Returns the status that the client got. */
export function answerFailure(
  response: ServerResponse,
  failure: CrosswireError,
  details: Readonly<Record<string, string>> = {},
): number {
  const status = statusOf(failure);
  if (failure.code === "XW_CANCELLED") {
    response.destroy();
    return status;
  }
  const { code, message: reason } = failure;
  answerJson(response, { status, code, reason, headers: NO_STORE, details });
  return status;
}

/** Like `answerFailure`, with the page where a person will read it. */
export function answerUnavailable(
  request: IncomingMessage,
  response: ServerResponse,
  failure: CrosswireError,
  destination: Destination,
): number {
  const { app, rule, startCommand } = destination;
  const target = destination.target().url;
  if (failure.code === "XW_CANCELLED" || !wantsPage(request))
    return answerFailure(response, failure, { app, target, rule });
  const about = { path: pathOf(request), app, target, rule, reason: failure.message, startCommand };
  const page = unavailablePage(about, `/__crosswire/apps/${encodeURIComponent(app)}`);
  const status = statusOf(failure);
  closeIfUnread(response);
  response.writeHead(status, {
    ...NO_STORE,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Length": Buffer.byteLength(page),
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Crosswire-Error": failure.code,
  });
  response.end(page);
  return status;
}

export function refuseFailed(socket: Duplex, failure: CrosswireError): number {
  const status = statusOf(failure);
  if (failure.code === "XW_CANCELLED") socket.destroy();
  else refuseUpgrade(socket, { status, code: failure.code, reason: failure.message });
  return status;
}

/** Navigations of browsers accept HTML by name; programs accept anything, or JSON. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && headers.accept?.includes("text/html") === true;
}
