// What a handler returns for a network that fails.

import type { Outcome } from "../../exchange/outcome.ts";

/**
 * The request fails before there is an answer, with the code that the system would give.
 *
 * @example
 * http.get("https://example.com/*", () => networkError("ECONNREFUSED"))
 */
export function networkError(code: string = "ECONNRESET", message?: string): Outcome {
  if (typeof code !== "string" || !/^[A-Z][A-Z0-9_]*$/.test(code)) {
    throw new TypeError(
      `${JSON.stringify(code)} is no code of a network error. Those are ECONNREFUSED, ECONNRESET, ENOTFOUND, ETIMEDOUT and so on.`,
    );
  }
  return message === undefined ? { kind: "error", code } : { kind: "error", code, message };
}
