// Who answers what. One registry serves every connection of a server, or every reconnect of a client,
// so a handler registered late is seen by peers that came early.

import type { Definition } from "../wire/definition.ts";
import type { Undo } from "../lifetime.ts";
import type { CallContext } from "./call-context.ts";

/** As users write it: the types of payload and upload come from the definition. */
export type Handler = (payload: never, context: CallContext<never>) => unknown;

/** The same with its types. NoInfer: the definition decides them, so that a handler's literals stay literals. */
export type HandlerOf<Payload, Result, Upload = unknown> = NoInfer<
  (payload: Payload, context: CallContext<Upload>) => Result | Promise<Result>
>;

export interface Registration {
  readonly definition: Definition;
  readonly handle: (payload: unknown, context: CallContext) => unknown;
}

const MAX_PATHS_NAMED = 10;

export class Handlers {
  // Maps, never objects: a path like "constructor" must not find anything on a prototype.
  #answering: Record<"request" | "stream", Map<string, Registration>> = {
    request: new Map(),
    stream: new Map(),
  };
  #messages = new Map<string, Set<Registration>>();

  /** Requests and streams have one handler; a later one takes over. Messages reach all of theirs. */
  add(definition: Definition, handler: Handler): Undo {
    const registration = { definition, handle: handler as Registration["handle"] };
    return definition.kind === "message"
      ? this.#addMessage(registration)
      : this.#addAnswering(definition.kind, registration);
  }

  answering(kind: "request" | "stream", path: string): Registration | undefined {
    return this.#answering[kind].get(path);
  }

  messages(path: string): Iterable<Registration> | undefined {
    return this.#messages.get(path);
  }

  /** For an error message: what could have been meant. */
  describe(kind: "request" | "stream"): string {
    const paths = [...this.#answering[kind].keys()];
    if (paths.length === 0) return "nothing";
    const named = paths.slice(0, MAX_PATHS_NAMED).map((path) => JSON.stringify(path));
    const more = paths.length - named.length;
    return `${named.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
  }

  #addAnswering(kind: "request" | "stream", registration: Registration): Undo {
    const { path } = registration.definition;
    const registered = this.#answering[kind];
    registered.set(path, registration);
    return () => {
      if (registered.get(path) === registration) registered.delete(path);
    };
  }

  #addMessage(registration: Registration): Undo {
    const { path } = registration.definition;
    const listeners = this.#messages.get(path) ?? new Set();
    this.#messages.set(path, listeners.add(registration));
    return () => {
      listeners.delete(registration);
      if (listeners.size === 0 && this.#messages.get(path) === listeners)
        this.#messages.delete(path);
    };
  }
}
