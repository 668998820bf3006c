// What the proxy tells of itself, as JSON below /__crosswire: its routes, its applications and what it counted.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { ProxyEngine } from "../engine/engine.ts";
import { pathOf, type Surface } from "../front.ts";
import type { Gate } from "../gate.ts";
import { answerJson, refuseUpgrade, sendJson } from "../reply.ts";
import type { ProxiedSurface } from "./proxied-surface.ts";
import type { Routing } from "./routing.ts";
import type { Traffic } from "./traffic.ts";

export interface StatusParts {
  readonly gate: Gate;
  /** Reachable beyond this machine: then the token is asked for. */
  readonly isExposed: boolean;
  readonly routing: Routing;
  readonly engine: ProxyEngine;
  readonly traffic: Traffic;
  readonly proxied: ProxiedSurface;
}

const ROOT = "/__crosswire";
const BELOW = `${ROOT}/`;
const APPS = `${BELOW}apps/`;

export function statusSurface(parts: StatusParts): Surface {
  const startedAt = Date.now();
  return {
    answer(request, response) {
      const path = pathOf(request);
      if (!isOwn(path)) return false;
      void answer(parts, startedAt, path, request, response);
      return true;
    },
    upgrade(request, socket) {
      if (!isOwn(pathOf(request))) return false;
      const reason = `no WebSocket is served at ${JSON.stringify(pathOf(request))}`;
      refuseUpgrade(socket, { status: 404, code: "XW_REFUSED", reason });
      return true;
    },
  };
}

/** SECURITY: no route may ever claim what is below here. */
function isOwn(path: string): boolean {
  return path === ROOT || path.startsWith(BELOW);
}

async function answer(
  parts: StatusParts,
  startedAt: number,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { gate, isExposed, proxied } = parts;
  // The page of an application that is down asks for nothing but this, and has no token.
  const isSecret = isExposed && !path.startsWith(APPS);
  const refusal = isSecret ? gate.checkControl(request) : gate.checkReader(request);
  if (refusal !== undefined) return answerJson(response, { ...refusal, code: "XW_REFUSED" });
  if (request.method !== "GET" && request.method !== "HEAD") {
    const reason = `${request.method} is not for ${path}; use GET`;
    return answerJson(response, {
      status: 405,
      code: "XW_REFUSED",
      reason,
      headers: { Allow: "GET, HEAD" },
    });
  }
  if (path === ROOT) return sendJson(response, 200, await statusOf(parts, startedAt));
  if (path === `${ROOT}/health`) return sendJson(response, 200, { isHealthy: true });
  const app = path.startsWith(APPS) ? decoded(path.slice(APPS.length)) : undefined;
  const isReachable = app === undefined ? undefined : await proxied.isReachable(app);
  if (isReachable !== undefined) return sendJson(response, 200, { app, isReachable });
  const reason = `nothing is told at ${JSON.stringify(path)}; there are ${ROOT}, ${ROOT}/health and ${APPS}<name>`;
  answerJson(response, { status: 404, code: "XW_REFUSED", reason });
}

async function statusOf(parts: StatusParts, startedAt: number): Promise<object> {
  const { routing, engine, traffic, proxied } = parts;
  const apps = await Promise.all(
    routing.apps.map(async ({ app, target, fallback }) => ({
      app,
      target: target().url,
      ...(fallback === undefined ? {} : { fallback: fallback.url }),
      isReachable: await proxied.isReachable(app),
    })),
  );
  return {
    uptimeMs: Date.now() - startedAt,
    engine: { name: engine.name, ...engine.stats() },
    apps,
    routes: routing.routes,
    counters: traffic.counters,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
