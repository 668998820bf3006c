// The Request that MSW's handlers get: one for all of them, as in MSW, because they remember by it what they parsed.

import type { AskedRequest } from "../handler.ts";

const shared = new WeakMap<AskedRequest, Request>();

/** The same for all handlers, until one of them has read the body: then there is another one. */
export function requestFor(asked: AskedRequest): Request {
  const known = shared.get(asked);
  if (known !== undefined && !known.bodyUsed && known.body?.locked !== true) return known;
  const made = cloneable(asked.toRequest(), asked);
  shared.set(asked, made);
  return made;
}

/**
 * MSW clones every request before it looks at it. To split the stream of the body begins to read it, and it would come
 * from the application though no handler wants it; so its clones are new Requests, with a body of their own.
 */
function cloneable(request: Request, asked: AskedRequest): Request {
  if (request.body === null) return request;
  return Object.defineProperty(request, "clone", {
    value: () => {
      // Which throws.
      if (request.bodyUsed) return Request.prototype.clone.call(request);
      return cloneable(withHeadersOf(request, asked.toRequest()), asked);
    },
  });
}

/** They may have been changed; MSW 2 adds cookies that it knows. */
function withHeadersOf({ headers }: Request, copy: Request): Request {
  for (const name of [...copy.headers.keys()]) if (!headers.has(name)) copy.headers.delete(name);
  for (const [name, value] of headers) copy.headers.set(name, value);
  return copy;
}
