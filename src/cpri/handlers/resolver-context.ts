// What a resolver gets to know of a request. Most of it is only made when the resolver asks for it.

import type { Fields } from "../../exchange/request.ts";
import type { AskedRequest, HandlerResult } from "../handler.ts";
import type { Params } from "./pattern-parts.ts";

/** What placeholders stand for, decoded; a list where one may be repeated. */
export type PathParams<Name extends PropertyKey = string> = {
  readonly [N in Name]?: string | readonly string[];
};

/** A Request whose JSON has a known type. */
export type RequestOf<Body> = { json(): Promise<Body> } & Request;

export interface ResolverArguments<P extends PathParams<keyof P> = PathParams, Body = unknown> {
  /** The same one each time. */
  readonly request: RequestOf<Body>;
  readonly params: P;
  /** Those that the request carries, decoded. */
  readonly cookies: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/** Returns what the client gets. Nothing: the next handler is asked. A Response may be thrown, too. */
export type HttpResolver<P extends PathParams<keyof P> = PathParams, Body = unknown> = (
  context: ResolverArguments<P, Body>,
) => HandlerResult | void | Promise<HandlerResult | void>;

export class ResolverContext implements ResolverArguments {
  readonly params: Params;
  readonly requestId: string;
  readonly #asked: AskedRequest;
  #request: Request | undefined;
  #cookies: Readonly<Record<string, string>> | undefined;

  constructor(asked: AskedRequest, params: Params) {
    this.params = params;
    this.requestId = asked.id;
    this.#asked = asked;
  }

  get request(): Request {
    return (this.#request ??= this.#asked.toRequest());
  }

  get cookies(): Readonly<Record<string, string>> {
    return (this.#cookies ??= cookiesOf(this.#asked.headers));
  }
}

/** Without a prototype, so that no name finds anything that was not sent. Of two with one name the first counts. */
function cookiesOf(fields: Fields): Readonly<Record<string, string>> {
  const cookies = Object.create(null) as Record<string, string>;
  for (const [field, value] of fields) {
    if (field.toLowerCase() !== "cookie") continue;
    for (const pair of value.split(";")) {
      const [name = "", ...rest] = pair.split("=");
      if (rest.length > 0) cookies[name.trim()] ??= decoded(rest.join("=").trim());
    }
  }
  return cookies;
}

function decoded(value: string): string {
  const bare = /^".*"$/.test(value) ? value.slice(1, -1) : value;
  if (!bare.includes("%")) return bare;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare;
  }
}
