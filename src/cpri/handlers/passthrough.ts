// What a handler returns for a request that is to go to the network after all.

import type { Outcome, RequestPatch } from "../../exchange/outcome.ts";

/**
 * The request goes on as if nobody had looked at it, or changed as `patch` says.
 *
 * @example
 * http.get("https://example.com/*", () => passthrough({ headers: { authorization: null } }))
 */
export function passthrough(patch?: RequestPatch): Outcome {
  return patch === undefined ? { kind: "passthrough" } : { kind: "passthrough", patch };
}
