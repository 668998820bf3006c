// What one receiver wants to be asked about, as far as the sender was told.

import type { Scope, State, UnhandledMode, WireInterest } from "../cpri-ipc.ts";
import { Interest, mayMatch } from "../interest.ts";

interface Known {
  readonly http: readonly Interest[];
  readonly websocket: readonly Interest[];
}

export class Wishes {
  unhandled: UnhandledMode = "bypass";
  watches = false;
  #shared: Known | undefined;
  #contexts = new Map<string, Known>();
  #ended: string[] = [];

  learn({ unhandled, watches, scopes }: State): void {
    this.unhandled = unhandled;
    this.watches = watches;
    for (const scope of scopes) this.#learnScope(scope);
  }

  /** Whether requests with this context are first of all for this receiver. */
  owns(contextId: string): boolean {
    return this.#contexts.has(contextId);
  }

  contexts(): Iterable<string> {
    return this.#contexts.keys();
  }

  /** Those that have ended since it was asked last. */
  takeEnded(): readonly string[] {
    return this.#ended.splice(0);
  }

  mayWant(method: string, url: string, contextId: string | undefined): boolean {
    if (this.watches) return true;
    const kind = url.startsWith("ws") ? "websocket" : "http";
    if (this.#shared !== undefined && mayMatch(this.#shared[kind], method, url)) return true;
    const own = contextId === undefined ? undefined : this.#contexts.get(contextId);
    return own !== undefined && mayMatch(own[kind], method, url);
  }

  #learnScope({ contextId, http, websocket }: Scope): void {
    const isOver = http === null || websocket === null;
    const known = isOver ? undefined : { http: fromWire(http), websocket: fromWire(websocket) };
    if (contextId === undefined) this.#shared = known;
    else if (known !== undefined) this.#contexts.set(contextId, known);
    else {
      this.#contexts.delete(contextId);
      this.#ended.push(contextId);
    }
  }
}

function fromWire(interests: readonly WireInterest[]): readonly Interest[] {
  return interests.map(([method, outline]) => new Interest(method, outline));
}
