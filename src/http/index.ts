// The export `crosswire/http`: the reverse proxy, its engine, and microfrontends.

export {
  type EngineStats,
  type ForwardOptions,
  type ProxyEngine,
  type ProxyOutcome,
  type ProxyRequest,
  type ProxyResponse,
  type RawFields,
  type ResponseHead,
  statusOf,
} from "./engine/engine.ts";
export { parseTarget, type ProxyTarget, type TargetOptions } from "./engine/target.ts";

export { createEngine, type EngineOptions } from "./engine/create-engine.ts";
export { createProxy, type ProxyStats, type ReverseProxy } from "./proxy/proxy.ts";
export type { ProxyOptions } from "./proxy/proxy-options.ts";
export type { RouteTable, TableRoute } from "./proxy/table-routing.ts";
export type { AccessEntry, TrafficCounters } from "./proxy/traffic.ts";
export { loadMicrofrontends } from "./microfrontends/load.ts";
export type { Microfrontends } from "./microfrontends/microfrontends.ts";
export type { FrontTls } from "./hardened-server.ts";

export type { InterceptHandler } from "./intercept/checked-handler.ts";
export type { HeaderValues, InterceptedRequest } from "./intercept/intercepted-request.ts";
export type {
  InterceptHttp,
  InterceptOptions,
  RemoveInterceptHttp,
} from "./intercept/intercepts.ts";
export type { PathParams } from "./intercept/path-params.ts";
export {
  defineRoute,
  type HttpMethod,
  type HttpRoute,
  type RouteSchemas,
} from "./intercept/route.ts";
