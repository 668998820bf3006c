// Whose work is being done: the id that came with the incoming request on whose behalf this code runs, and whether it
// is our own work, which is never captured.

import { AsyncLocalStorage } from "node:async_hooks";
import type { EventEmitter } from "node:events";
import { type IncomingHttpHeaders, Server } from "node:http";
import { Server as SecureServer } from "node:https";
import { isCapturing } from "./capture-mark.ts";
import type { Patches } from "./patches.ts";

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

const contexts = new AsyncLocalStorage<string | undefined>();
const internals = new AsyncLocalStorage<boolean>();

/** Events of a server that begin a request. */
const BEGINNINGS = new Set<string | symbol>([
  "request",
  "upgrade",
  "checkContinue",
  "checkExpectation",
]);
/** SECURITY: ids come from outside and become keys and header values; nothing else may stand in one. */
const ID = /^[\w.:~-]{1,128}$/;

/**
 * Runs `run` with capture off, for traffic of our own. Where nothing is captured, at once: before Node 24 the first use of
 * AsyncLocalStorage makes every promise of a process dearer, also those of a test that only answers.
 */
export function internal<T>(run: () => T): T {
  return isCapturing() ? internals.run(true, run) : run();
}

export function isInternal(): boolean {
  return internals.getStore() === true;
}

export function contextId(): string | undefined {
  return contexts.getStore();
}

/** From now on the servers of this process run what they do for a request in its context. */
export function followContexts(patches: Patches): void {
  for (const { prototype } of [Server, SecureServer]) {
    patches.replace(prototype as { emit: Emit }, "emit", (emit) => {
      return function (this: EventEmitter, event, ...args) {
        if (!BEGINNINGS.has(event)) return emit.call(this, event, ...args);
        const [request, reply] = args as [
          EventEmitter & { headers: IncomingHttpHeaders },
          EventEmitter,
        ];
        // Tests of frameworks emit requests of their own making.
        const id = contextOf(request?.headers ?? {});
        // What comes later on these is emitted from the connection's own context, which has no id.
        if (id !== undefined) for (const emitter of [request, reply]) stayIn(id, emitter);
        if (id === contexts.getStore()) return emit.call(this, event, ...args);
        // Also without an id: one connection serves many requests, and must not hand the last one's id on.
        return contexts.run(id, () => emit.call(this, event, ...args));
      };
    });
  }
}

/** From the header of our own, W3C baggage, or a cookie, in this order. */
function contextOf({ baggage, cookie, ...headers }: IncomingHttpHeaders): string | undefined {
  const own = headers["x-crosswire-context"];
  const id =
    (typeof own === "string" ? own : undefined) ??
    /(?:^|,)\s*crosswire\s*=\s*([^,;\s]+)/.exec(String(baggage ?? ""))?.[1] ??
    /(?:^|;\s*)crosswire-ctx=([^;\s]+)/.exec(cookie ?? "")?.[1];
  const decoded = id === undefined ? undefined : decode(id);
  return decoded !== undefined && ID.test(decoded) ? decoded : undefined;
}

/** What is not percent-encoded correctly is no id, and no reason to fail the request. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function stayIn(id: string, emitter: EventEmitter): void {
  const { emit } = emitter as { emit: Emit };
  (emitter as { emit: Emit }).emit = function (event, ...args) {
    return contexts.run(id, () => emit.call(this, event, ...args));
  };
}
