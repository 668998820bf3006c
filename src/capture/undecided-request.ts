// A caught request as whoever decides about it is given it. HOT: a class, because a literal with getters costs more
// than all the rest of the asking.

import type { ClientKind, Fields, RequestHead } from "../exchange/request.ts";
import type { Abandonment } from "./abandonment.ts";
import type { Caught } from "./caught.ts";
import type { CapturedRequest } from "./decision.ts";

interface Means extends Pick<CapturedRequest, "body" | "onNetworkEnd"> {
  readonly abandonment: Abandonment;
  readonly caught: Caught;
}

export class UndecidedRequest implements CapturedRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Fields;
  readonly client: ClientKind;
  readonly contextId?: string;
  readonly body: CapturedRequest["body"];
  readonly onNetworkEnd: CapturedRequest["onNetworkEnd"];
  readonly abandonment: Abandonment;
  readonly caught: Caught;

  constructor(head: RequestHead, { body, onNetworkEnd, abandonment, caught }: Means) {
    this.id = head.id;
    this.method = head.method;
    this.url = head.url;
    this.headers = head.headers;
    this.client = head.client;
    if (head.contextId !== undefined) this.contextId = head.contextId;
    this.body = body;
    this.onNetworkEnd = onNetworkEnd;
    this.abandonment = abandonment;
    this.caught = caught;
  }

  get signal(): AbortSignal {
    return this.abandonment.signal;
  }

  get bodyLength(): number | undefined {
    return this.caught.bodyLength;
  }
}
