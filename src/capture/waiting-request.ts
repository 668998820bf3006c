// A ClientRequest while it waits for its decision: three of its methods do more than Node's, which want a socket.
// HOT: they come by another prototype. Properties of its own that come and go would make a request slow for good.

import type { InnerRequest } from "./caught-http-request.ts";

/** Who waits. */
export interface Waiter {
  destroyed(): void;
  timeoutSet(ms: number): void;
  /** Its head cannot change any more. */
  headRendered(): void;
}

const waiters = new WeakMap<InnerRequest, Waiter>();
/** By the prototypes that they extend: there are classes that extend ClientRequest. */
const faces = new WeakMap<InnerRequest, InnerRequest>();

export function beginWaiting(request: InnerRequest, waiter: Waiter): void {
  waiters.set(request, waiter);
  Object.setPrototypeOf(request, faceOf(Object.getPrototypeOf(request) as InnerRequest));
}

/** Its methods are Node's again; whoever has taken one meanwhile has one that does as Node's. */
export function endWaiting(request: InnerRequest): void {
  if (!waiters.delete(request)) return;
  const face = Object.getPrototypeOf(request) as InnerRequest;
  Object.setPrototypeOf(request, Object.getPrototypeOf(face) as InnerRequest);
}

function faceOf(prototype: InnerRequest): InnerRequest {
  const known = faces.get(prototype);
  if (known !== undefined) return known;
  const methods: ThisType<InnerRequest> & Partial<InnerRequest> = {
    destroy(error) {
      const destroyed = prototype.destroy.call(this, error);
      waiters.get(this)?.destroyed();
      return destroyed;
    },
    setTimeout(ms, listener) {
      waiters.get(this)?.timeoutSet(ms);
      return prototype.setTimeout.call(this, ms, listener);
    },
    _implicitHeader() {
      prototype._implicitHeader.call(this);
      waiters.get(this)?.headRendered();
    },
  };
  const face = Object.create(prototype, Object.getOwnPropertyDescriptors(methods)) as InnerRequest;
  faces.set(prototype, face);
  return face;
}
