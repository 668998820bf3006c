// Says why no handler matched a request, and which ones nearly did.

import type { AskedRequest, Handler } from "../handler.ts";

const MAX_SHOWN = 3;
const MAX_URL_LENGTH = 200;

/** A sentence or two. Of the URL without its query, which may have secrets in it. */
export function explainMiss(
  request: Pick<AskedRequest, "method" | "location">,
  handlers: readonly Handler[],
): string {
  const { method, location } = request;
  const url = `${location.origin}${location.pathname}`;
  const shown = url.length > MAX_URL_LENGTH ? `${url.slice(0, MAX_URL_LENGTH)}…` : url;
  const miss = `No handler matched ${method} ${shown}`;
  const nearest = handlers
    .filter((handler) => handler.kind === "http")
    .map((handler) => ({ label: handler.label, ...handler.distance(request) }))
    .sort((left, right) => left.points - right.points)
    .slice(0, MAX_SHOWN);
  if (nearest.length === 0) return `${miss}; there are none.`;
  const reasons = nearest.map(({ label, because }) => `${label}, because ${because}`);
  return `${miss}; closest: ${reasons.join("; ")}.`;
}
