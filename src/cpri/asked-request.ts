// One request as handlers see it, wherever it was caught. What only some of them need is made when they ask for it.

import type { ClientKind, Fields, RequestHead } from "../exchange/request.ts";
import type { AskedRequest } from "./handler.ts";
import { SharedBody } from "./shared-body.ts";

export interface Source {
  readonly head: RequestHead;
  readonly signal: () => AbortSignal;
  /** Undefined where there is none. Read at most once. */
  readonly body: (() => AsyncIterable<Uint8Array>) | undefined;
}

/** These a Request of the web refuses to have a body with. */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD"]);

export class Asked implements AskedRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Fields;
  readonly client: ClientKind;
  readonly contextId?: string;
  #source: Source;
  #location: URL | undefined;
  #body: SharedBody | undefined;

  constructor(source: Source) {
    const { id, method, url, headers, client, contextId } = source.head;
    this.id = id;
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.client = client;
    if (contextId !== undefined) this.contextId = contextId;
    this.#source = source;
  }

  get location(): URL {
    return (this.#location ??= new URL(this.url));
  }

  get signal(): AbortSignal {
    return this.#source.signal();
  }

  toRequest(): Request {
    const { method, url, signal } = this;
    const headers = this.headers as [string, string][];
    const { body } = this.#source;
    if (body === undefined || WITHOUT_BODY.has(method)) {
      return new Request(url, { method, headers, signal });
    }
    const stream = streamOf(this.#shared(body).read());
    // A streamed body has to say so; the types of Node do not know it.
    const init: RequestInit & { duplex: "half" } = {
      method,
      headers,
      signal,
      body: stream,
      duplex: "half",
    };
    return new Request(url, init);
  }

  /** The body is read now, so that it can be read once the request is over. */
  keepBody(): void {
    const { body } = this.#source;
    if (body !== undefined) void this.#shared(body).keepAll();
  }

  /** It has been answered: of the body there is no more than somebody is reading. */
  close(): void {
    const { body } = this.#source;
    if (body !== undefined) this.#shared(body).close();
  }

  #shared(body: () => AsyncIterable<Uint8Array>): SharedBody {
    return (this.#body ??= new SharedBody(body));
  }
}

/** One that reads nothing before it is read itself: an untouched body is never sent. */
function streamOf(body: AsyncGenerator<Uint8Array, void>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await body.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await body.return();
      },
    },
    { highWaterMark: 0 },
  );
}
