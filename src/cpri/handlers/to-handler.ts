// What tests may pass as a handler: one of ours, or any function from a Request to a Response.

import type {
  AskedRequest,
  Handler,
  HandlerInput,
  HttpHandler,
  RequestFunction,
} from "../handler.ts";
import { Interest } from "../interest.ts";
import type { Distance } from "./distance.ts";

/** Throws a TypeError that says what handlers look like. */
export function toHandler(input: HandlerInput): Handler {
  if (typeof input === "function") return new FunctionHandler(input);
  const given: unknown = input;
  if (isHandler(given)) return given;
  throw new TypeError(
    `${described(given)} is no handler. Handlers are made by http.get("https://example.com/users/:id", () => HttpResponse.json({ … })), by ws.link(…), or are functions from a Request to a Response, such as app.fetch.`,
  );
}

function isHandler(value: unknown): value is Handler {
  const { kind, handle, open } = Object(value) as Readonly<Record<string, unknown>>;
  if (kind === "http") return typeof handle === "function";
  return kind === "websocket" && typeof open === "function";
}

function described(value: unknown): string {
  if (Array.isArray(value)) return "An array (spread it: use(...handlers))";
  const { info, run } = Object(value) as Readonly<Record<string, unknown>>;
  const isOfMsw = info !== undefined && typeof run === "function";
  if (isOfMsw)
    return "A handler of msw (take setupRemoteServer and setupServer from crosswire/msw)";
  return typeof value === "object" && value !== null ? "An object" : String(value);
}

/** Wants every request, so every request is sent to where it is. */
class FunctionHandler implements HttpHandler {
  readonly kind = "http";
  readonly label: string;
  readonly interest: Interest = new Interest("*", "*");
  readonly #answer: RequestFunction;

  constructor(answer: RequestFunction) {
    this.#answer = answer;
    this.label = answer.name === "" ? "a function" : `the function ${answer.name}`;
  }

  handle(request: AskedRequest): ReturnType<HttpHandler["handle"]> {
    return { result: this.#answer(request.toRequest(), { requestId: request.id }) };
  }

  distance(): Distance {
    return { points: 0, because: "it returned nothing" };
  }

  reset(): void {
    // It is never used up.
  }
}
