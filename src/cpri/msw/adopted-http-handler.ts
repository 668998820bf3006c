// A handler of MSW for requests, as one of ours. MSW decides whether it matches, and whether it is used up.

import type { Outcome } from "../../exchange/outcome.ts";
import type { AskedRequest, HandlerResult, HttpHandler } from "../handler.ts";
import { type Distance, distanceOf } from "../handlers/distance.ts";
import { compilePattern, type PathPattern, type Pattern } from "../handlers/path-pattern.ts";
import { type Interest, mayMatch } from "../interest.ts";
import type { MswRequestHandler } from "./msw-handler.ts";
import { interestOfMsw } from "./msw-interest.ts";
import { requestFor } from "./msw-request.ts";

/** What of MSW's handlers is not in its declarations, or not in all versions. */
interface Inner {
  readonly info: { readonly method?: string | RegExp; readonly path?: unknown };
  readonly options?: { readonly once?: boolean };
  reset?(): void;
  restore?(): void;
}

/** What `bypass()` puts into the field `accept`. */
const BYPASS = "msw/passthrough";
const DECIDED_OTHERWISE_POINTS = 8;

export class AdoptedHttpHandler implements HttpHandler {
  readonly kind = "http";
  readonly label: string;
  readonly interest: Interest;
  /** As MSW made it. */
  readonly original: MswRequestHandler;
  readonly #interests: readonly Interest[];
  readonly #inner: Inner;

  constructor(original: MswRequestHandler) {
    this.original = original;
    this.#inner = original as unknown as Inner;
    this.label = original.info.header;
    this.interest = interestOfMsw(original);
    this.#interests = [this.interest];
  }

  handle(request: AskedRequest): ReturnType<HttpHandler["handle"]> {
    // MSW needs a Request to find out, which costs more than most answers.
    if (!mayMatch(this.#interests, request.method, request.url)) return undefined;
    return { result: bypassed(request) ?? this.#run(request) };
  }

  distance(request: Pick<AskedRequest, "method" | "location">): Distance {
    const { info, options } = this.#inner;
    const isUsed = options?.once === true && this.original.isUsed;
    const pattern = patternOf(info.path);
    if (pattern === undefined) {
      return { points: DECIDED_OTHERWISE_POINTS, because: "it decides by more than the URL" };
    }
    const isMethod = isSameMethod(info.method, request.method);
    return distanceOf({ isMethod, isUsed, pattern, location: request.location });
  }

  /** A generator begins again, too. */
  reset(): void {
    this.#inner.reset?.();
    if (this.#inner.restore === undefined) this.original.isUsed = false;
    else this.#inner.restore();
  }

  async #run(asked: AskedRequest): Promise<HandlerResult> {
    const done = await this.original.run({
      request: requestFor(asked),
      requestId: asked.id,
      // It would log to the console.
      resolutionContext: { quiet: true },
    });
    const response = done?.response ?? undefined;
    return response !== undefined && isPassthrough(response) ? { kind: "passthrough" } : response;
  }
}

/** As MSW encodes it, so that it goes through Service Workers. */
function isPassthrough({ status, headers }: Response): boolean {
  return status === 302 && headers.get("x-msw-intention") === "passthrough";
}

/** A request that the application itself made with `bypass()` is for no handler, and the mark is not for the server. */
function bypassed({ headers }: AskedRequest): Outcome | undefined {
  const accepted = headers
    .filter(([name]) => name.toLowerCase() === "accept")
    .flatMap(([, value]) => value.split(/,\s*/));
  if (!accepted.includes(BYPASS)) return undefined;
  const others = accepted.filter((type) => type !== BYPASS).join(", ");
  return { kind: "passthrough", patch: { headers: { accept: others || null } } };
}

function isSameMethod(own: string | RegExp | undefined, method: string): boolean {
  if (typeof own === "string") return own.toUpperCase() === method.toUpperCase();
  return own === undefined || new RegExp(own).test(method);
}

/** For explanations only: MSW has patterns that are none here. */
function patternOf(path: unknown): PathPattern | undefined {
  try {
    return compilePattern(path as Pattern);
  } catch {
    return undefined;
  }
}
