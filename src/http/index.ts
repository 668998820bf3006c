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
