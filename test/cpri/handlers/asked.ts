// Requests as handlers are asked about them, without any network.

import type { AskedRequest } from "../../../src/cpri/handler.ts";
import type { Fields } from "../../../src/exchange/request.ts";

export interface AskedInit {
  readonly method?: string;
  readonly headers?: Fields;
  readonly body?: string;
  readonly id?: string;
}

export interface CountedRequest extends AskedRequest {
  /** How often somebody wanted a Request of the web. */
  readonly made: () => number;
}

export function asked(url: string, init: AskedInit = {}): CountedRequest {
  const { method = "GET", headers = [], body, id = "1" } = init;
  let made = 0;
  return {
    id,
    method,
    url,
    headers,
    client: "fetch",
    location: new URL(url),
    signal: new AbortController().signal,
    toRequest: () => {
      made++;
      return new Request(url, {
        method,
        headers: headers as [string, string][],
        ...(body === undefined ? {} : { body }),
      });
    },
    made: () => made,
  };
}
