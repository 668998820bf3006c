// Whose handlers there are: shared ones, for every request, and those of contexts, which come first for the requests
// that carry their id and are nothing to all others.

import { randomUUID } from "node:crypto";
import type { AskedRequest, HandlerInput, WebSocketHandler } from "./handler.ts";
import { HandlerList, type Resolved } from "./handlers/handler-list.ts";

/** The name of a scope on the wire: the id of its context. */
export type ScopeId = string | undefined;

export class HandlerScopes {
  readonly shared: HandlerList;
  #contexts = new Map<string, HandlerList>();

  constructor(initial: readonly HandlerInput[]) {
    this.shared = new HandlerList(initial);
  }

  /** A new context, without handlers yet. */
  create(): string {
    const id = randomUUID();
    this.#contexts.set(id, new HandlerList([]));
    return id;
  }

  end(contextId: string): void {
    this.#contexts.delete(contextId);
  }

  /** Of a scope; undefined for a context that has ended. */
  get(id: ScopeId): HandlerList | undefined {
    return id === undefined ? this.shared : this.#contexts.get(id);
  }

  ids(): readonly ScopeId[] {
    return [undefined, ...this.#contexts.keys()];
  }

  /** All that may be asked about a WebSocket, those of its context first. */
  webSockets(contextId: string | undefined): readonly WebSocketHandler[] {
    const own = contextId === undefined ? undefined : this.get(contextId);
    return [...(own?.webSockets() ?? []), ...this.shared.webSockets()];
  }

  /** The first handler that wants it, and what it says. */
  async resolve(request: AskedRequest): Promise<Resolved | undefined> {
    const own = request.contextId === undefined ? undefined : this.get(request.contextId);
    return (await own?.resolve(request)) ?? this.shared.resolve(request);
  }
}
